// The sound and the shaking of an alert, made on the spot, so that there is no file to fetch when the network is gone.

/** Seconds in which it is repeated: long enough to be found, short enough for those who cannot answer. */
const ALARM_S = 60;
const CHIME_S = 1;
// Two tones a half-second each; a real alarm swings between far ones, an exercise's between near ones.
const REAL = [960, 640];
const EXERCISE = [520, 460];
const CHIME = [660, 880];
const SHAKE_AGAIN_MS = 4_000;
const SHAKES = [500, 200, 500, 200, 500];

interface Sound {
  wave: OscillatorType;
  tones: number[];
  seconds: number;
  loudness: number;
}

function play({ wave, tones: [high = 0, low = 0], seconds, loudness }: Sound): AudioContext {
  const audio = new AudioContext();
  const gain = audio.createGain();
  const tone = audio.createOscillator();
  tone.type = wave;
  for (let half = 0; half < seconds * 2; half++) tone.frequency.setValueAtTime(half % 2 ? low : high, audio.currentTime + half / 2);
  gain.gain.setValueAtTime(loudness, audio.currentTime);
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + seconds);
  return audio;
}

const shake = (pattern: number | number[]) => void navigator.vibrate?.(pattern);

/** Begins; what it returns ends it. Browsers are silent until the page was touched once: the card is there all the same. */
export function alarm(kind: "alarm" | "chime", real: boolean): () => void {
  const grave = kind === "alarm";
  const audio = play(
    grave
      ? { wave: "square", tones: real ? REAL : EXERCISE, seconds: ALARM_S, loudness: 0.25 }
      : { wave: "sine", tones: CHIME, seconds: CHIME_S, loudness: 0.15 },
  );
  shake(grave ? SHAKES : 200);
  const shaking = grave ? setInterval(() => shake(SHAKES), SHAKE_AGAIN_MS) : undefined;
  const stop = setTimeout(() => clearInterval(shaking), ALARM_S * 1_000);
  return () => {
    clearInterval(shaking);
    clearTimeout(stop);
    shake(0);
    void audio.close();
  };
}
