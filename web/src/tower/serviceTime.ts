// What time it is by the service: a device's clock may be hours wrong, and an alert must neither be hidden nor stay for that.
// Where the two may differ the earlier counts: what is over may be shown a while longer, what is not must be seen. Pure.

/** More than this between the device's clock and its steady count: somebody set the clock, or the device slept. */
const SLIP_MS = 5_000;

export interface Clocks {
  deviceMs: number;
  /** Milliseconds that nobody can set, from any beginning. */
  steadyMs: number;
}

export class ServiceTime {
  private learned: (Clocks & { serviceMs: number }) | null = null;

  /** @param aheadMs by how much this device's clock was found to be ahead, at an earlier opening */
  constructor(public aheadMs = 0) {}

  get isKnown(): boolean {
    return this.learned !== null;
  }

  /** The service has just said that it is `serviceMs`. */
  learn(serviceMs: number, clocks: Clocks): void {
    this.learned = { ...clocks, serviceMs };
    this.aheadMs = clocks.deviceMs - serviceMs;
  }

  now({ deviceMs, steadyMs }: Clocks): number {
    if (!this.learned) return Math.min(deviceMs, deviceMs - this.aheadMs);
    return this.learned.serviceMs + Math.min(steadyMs - this.learned.steadyMs, deviceMs - this.learned.deviceMs);
  }

  /** Whether it has to be asked for again. */
  slipped({ deviceMs, steadyMs }: Clocks): boolean {
    if (!this.learned) return false;
    return Math.abs(deviceMs - this.learned.deviceMs - (steadyMs - this.learned.steadyMs)) > SLIP_MS;
  }
}

export const clocks = (): Clocks => ({ deviceMs: Date.now(), steadyMs: performance.now() });
