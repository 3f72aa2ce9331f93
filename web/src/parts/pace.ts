// How fast a list is scrolled. Faster than anybody reads, lines are drawn with their words alone, and completed when the
// list is calm: a slow phone cannot draw everything of seven lines a frame.

/** Six screens of a phone in a second. One jump is no scrolling: it takes so much in two frames, one after the other. */
const FAST_PX = 80;
const CALM_MS = 120;
const COMPLETING_MS = 4;

export class Pace {
  private lastPx = 0;
  private wasFast = false;
  private waiting = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  isFast = false;

  /** Told where the list stands, once a frame in which it moved. */
  moved(offsetPx: number): void {
    const isFast = Math.abs(offsetPx - this.lastPx) >= FAST_PX;
    this.lastPx = offsetPx;
    if (isFast && this.wasFast) {
      this.isFast = true;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.calm(), CALM_MS);
    }
    this.wasFast = isFast;
  }

  /** Runs once the list is calm. @returns forgets it */
  whenCalm(complete: () => void): () => void {
    this.waiting.add(complete);
    return () => this.waiting.delete(complete);
  }

  private calm(): void {
    this.isFast = false;
    this.wasFast = false;
    const untilMs = performance.now() + COMPLETING_MS;
    for (const complete of this.waiting) {
      if (performance.now() >= untilMs) break;
      this.waiting.delete(complete);
      complete();
    }
    if (this.waiting.size > 0) this.timer = setTimeout(() => this.calm());
  }
}
