/** Choices made by a seeded random, which gives numbers from 0 up to 1. */
export class Chance {
  readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  /** True with that probability. */
  of(probability: number): boolean {
    return this.random() < probability;
  }

  /** A whole number from 1 to `most`. */
  upTo(most: number): number {
    return 1 + Math.floor(this.random() * most);
  }

  /** One of them; there has to be one. */
  among<T>(these: readonly T[]): T {
    return these[Math.floor(this.random() * these.length)]!;
  }
}
