// What a file is before it is sent: its kind, its measures and a small picture of it, found out in the browser.
import { attached } from "./compose";
import type { Attachment, Draft } from "./outbox";

/** A file says it is a photo or a video, and cannot be opened as one. */
export class NotAPicture extends Error {}

const THUMBNAIL_PIXELS_MAX = 640;
// Below this the photo itself is as quick to fetch as a small one would be.
const THUMBNAIL_FROM_BYTES = 60_000;
const VIDEO_OPENS_MS_MAX = 8_000;
const VIDEO_PAINTS_MS_MAX = 1_500;
const VIDEO_LOOKED_AT_S = 0.2;

export async function draftOf(roomId: string, file: File, fallbackName: string): Promise<Draft> {
  const name = file.name || fallbackName;
  // An SVG is a program as much as a picture: it travels as a file.
  if (file.type.startsWith("image/") && file.type !== "image/svg+xml")
    return attached(roomId, "photo", await photo(file, name));
  if (file.type.startsWith("video/")) return attached(roomId, "video", await video(file, name));
  return attached(roomId, "file", { blob: file, name });
}

async function photo(file: File, name: string): Promise<Attachment> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new NotAPicture(name);
  }
  const { width, height } = picture;
  const thumbnail = file.size > THUMBNAIL_FROM_BYTES ? await small(picture, width, height) : null;
  picture.close();
  return { blob: file, name, width, height, thumbnail };
}

async function small(from: CanvasImageSource, width: number, height: number): Promise<Attachment["thumbnail"]> {
  const scale = Math.min(1, THUMBNAIL_PIXELS_MAX / Math.max(width, height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  canvas.getContext("2d")?.drawImage(from, 0, 0, canvas.width, canvas.height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
  return { blob, width: canvas.width, height: canvas.height };
}

/** Without a readable first picture a video still goes, as a file does. */
async function video(file: File, name: string): Promise<Attachment> {
  const url = URL.createObjectURL(file);
  const screen = document.createElement("video");
  try {
    screen.muted = true;
    screen.preload = "auto";
    screen.src = url;
    await new Promise<void>((done, fail) => {
      screen.onloadeddata = () => done();
      screen.onerror = () => fail(new NotAPicture(name));
      setTimeout(() => fail(new NotAPicture(name)), VIDEO_OPENS_MS_MAX);
    });
    await firstPicture(screen);
    const { videoWidth: width, videoHeight: height, duration } = screen;
    const durationMs = Number.isFinite(duration) ? Math.round(duration * 1000) : 0;
    return { blob: file, name, width, height, durationMs, thumbnail: await small(screen, width, height) };
  } finally {
    screen.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

/**
 * Waits until a picture of the video can be drawn: its data are there before its first picture is, and what is drawn
 * then is black. A little way in, because many begin with black.
 */
async function firstPicture(screen: HTMLVideoElement): Promise<void> {
  const seeked = new Promise((done) => screen.addEventListener("seeked", done, { once: true }));
  const painted = new Promise((done) => screen.requestVideoFrameCallback?.(done));
  const late = new Promise((done) => setTimeout(done, VIDEO_PAINTS_MS_MAX));
  screen.currentTime = Math.min(VIDEO_LOOKED_AT_S, (Number.isFinite(screen.duration) ? screen.duration : 0) / 2);
  await Promise.race([Promise.all([seeked, painted]), late]);
}

export interface Recording {
  /** Ends it; the message to send. */
  finish: () => Promise<Draft>;
  cancel: () => void;
}

/** @throws DOMException when the person or the device gives no microphone */
export async function record(roomId: string, name: string): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  const startedMs = performance.now();
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start();
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  return {
    cancel: () => {
      recorder.stop();
      close();
    },
    finish: async () => {
      const stopped = new Promise((done) => recorder.addEventListener("stop", done));
      recorder.stop();
      await stopped;
      close();
      const durationMs = Math.round(performance.now() - startedMs);
      const blob = new Blob(parts, { type: recorder.mimeType.split(";")[0] || "audio/webm" });
      return attached(roomId, "voice", { blob, name, durationMs });
    },
  };
}
