// The recovery kit as a picture: drawn here, saved in one tap, and read back from its QR.
import { encode } from "uqr";
import { m } from "../paraglide/messages";

const WIDTH = 900;
const MARGIN = 60;
const QR_WIDTH = 620;
const SCAN_PIXELS_MAX = 1_200;
const FONT = '"Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Malgun Gothic", system-ui, sans-serif';

export async function drawKit(userId: string, recoveryKey: string): Promise<Blob> {
  const canvas = new OffscreenCanvas(WIDTH, 1_200);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws no pictures");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#211d1a";
  context.textAlign = "center";
  const write = (text: string, y: number, font: string) => {
    context.font = `${font} ${FONT}`;
    context.fillText(text, WIDTH / 2, y, WIDTH - 2 * MARGIN);
  };
  write(`${m.app_name()} · ${m.kit()}`, 100, "700 52px");
  write(userId, 160, "400 34px");
  const { data, size } = encode(recoveryKey, { border: 2 });
  const dot = QR_WIDTH / size;
  data.forEach((row, y) =>
    row.forEach((dark, x) => {
      // A hair larger than its place, so that no light line stands between two dots.
      if (dark) context.fillRect((WIDTH - QR_WIDTH) / 2 + x * dot, 200 + y * dot, dot + 0.5, dot + 0.5);
    }),
  );
  const words = recoveryKey.split(" ");
  const half = Math.ceil(words.length / 2);
  write(words.slice(0, half).join(" "), 920, "600 32px");
  write(words.slice(half).join(" "), 970, "600 32px");
  lines(m.kit_hint(), 38).forEach((line, index) => write(line, 1_050 + index * 42, "400 28px"));
  return canvas.convertToBlob({ type: "image/png" });
}

function lines(text: string, columns: number): string[] {
  const made = [""];
  for (const word of text.split(" ")) {
    const last = made.length - 1;
    const wide = [...`${made[last]} ${word}`].reduce((sum, letter) => sum + (letter > "\u1100" ? 1.6 : 1), 0);
    if (wide > columns * 1.6) made.push(word);
    else made[last] = `${made[last]} ${word}`.trim();
  }
  return made;
}

/** The text of the QR in a picture; null when there is none that can be read. */
export async function readQr(file: Blob): Promise<string | null> {
  const [{ binarize, Decoder, Detector, grayscale }, picture] = await Promise.all([
    import("@nuintun/qrcode"),
    createImageBitmap(file),
  ]);
  const scale = Math.min(1, SCAN_PIXELS_MAX / Math.max(picture.width, picture.height));
  const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) return null;
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  const found = new Detector().detect(binarize(grayscale(context.getImageData(0, 0, width, height)), width, height));
  for (let next = found.next(); !next.done; next = found.next(false)) {
    try {
      return new Decoder().decode(next.value.matrix).content;
    } catch {
      // That pattern was no QR; the picture may have another.
    }
  }
  return null;
}
