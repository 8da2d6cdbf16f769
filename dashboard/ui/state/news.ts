/** What the network may add to a heartbeat, in ms. */
const SLACK = 1000;

/**
 * When the page last heard of the server, on two clocks of this machine, in
 * ms: one may stand still in a sleep, the other may be set.
 */
export class News {
  readonly #read: () => { readonly steady: number; readonly wall: number };
  #heard = { steady: 0, wall: 0 };
  #fresh = this.#heard;

  constructor(
    steady: () => number = () => performance.now(),
    wall: () => number = () => Date.now(),
  ) {
    this.#read = () => ({ steady: steady(), wall: wall() });
  }

  /** A stream was asked for: its silence counts from now on. */
  listen(): void {
    this.#heard = this.#read();
  }

  /** There was news: what shows is of now. */
  hear(): void {
    this.listen();
    this.#fresh = this.#heard;
  }

  /** Two heartbeats missed: the stream is dead, whatever the socket says. */
  silent(heartbeat: number): boolean {
    return this.#since(this.#heard) > 2 * heartbeat + SLACK;
  }

  /**
   * The wall clock's time that the view is from, once the stream broke: of
   * the last news if it had been dead before, in a sleep or a stall.
   */
  viewFrom(heartbeat: number): number {
    const { steady, wall } = this.#fresh;
    const dead = this.#since(this.#fresh) > heartbeat + SLACK;
    return dead ? wall : wall + this.#read().steady - steady;
  }

  #since({ steady, wall }: { steady: number; wall: number }): number {
    const now = this.#read();
    return Math.max(now.steady - steady, now.wall - wall);
  }
}
