/** Beyond this, an empty map gives its memory back. */
const KEPT = 1_024;
const SMALLEST = 16;
/** No id: the place is free. */
const FREE = 0;

/**
 * A map by ids: whole numbers from 1 on.
 *
 * A `Map` that entries come to and go from without end leaves one dead table
 * after the other behind. Each points to its successor, so that once one of
 * them is old, the collector keeps all that follow, and every entry in them.
 * This one has a single table: linear probing, and nothing dead in it.
 */
export class IdMap<V> {
  #ids: number[] = [];
  #values: (V | undefined)[] = [];
  #size = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether an id has an entry. */
  has(id: number): boolean {
    return this.#ids.length > 0 && this.#ids[this.#find(id)] === id;
  }

  /** The value of an id. */
  get(id: number): V | undefined {
    if (this.#ids.length === 0) return undefined;
    // A free place has no value.
    return this.#values[this.#find(id)];
  }

  /** Sets the value of an id. */
  set(id: number, value: V): void {
    if (2 * (this.#size + 1) > this.#ids.length) this.#grow();
    const at = this.#find(id);
    if (this.#ids[at] === FREE) this.#size++;
    this.#ids[at] = id;
    this.#values[at] = value;
  }

  /** Removes an entry; false if it was not there. */
  delete(id: number): boolean {
    if (!this.has(id)) return false;
    const mask = this.#ids.length - 1;
    let gap = this.#find(id);
    // Those behind it move up, unless that were before where they belong.
    for (let at = (gap + 1) & mask;; at = (at + 1) & mask) {
      const other = this.#ids[at]!;
      if (other === FREE) break;
      if (((at - other) & mask) < ((at - gap) & mask)) continue;
      this.#ids[gap] = other;
      this.#values[gap] = this.#values[at];
      gap = at;
    }
    this.#ids[gap] = FREE;
    this.#values[gap] = undefined;
    if (--this.#size === 0 && this.#ids.length > KEPT) this.#resize(SMALLEST);
    return true;
  }

  /** The ids, in no order: a copy. */
  ids(): number[] {
    return this.#ids.filter((id) => id !== FREE);
  }

  /** The values, in no order: a copy. */
  values(): V[] {
    return this.ids().map((id) => this.get(id)!);
  }

  /** Where an id is, or the free place where it would be. */
  #find(id: number): number {
    const mask = this.#ids.length - 1;
    // As ids are given out one after the other they hardly ever collide.
    let at = id & mask;
    while (this.#ids[at] !== FREE && this.#ids[at] !== id) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    this.#resize(Math.max(SMALLEST, 2 * this.#ids.length));
  }

  #resize(capacity: number): void {
    const ids = this.#ids;
    const values = this.#values;
    this.#ids = new Array(capacity).fill(FREE);
    this.#values = new Array(capacity).fill(undefined);
    this.#size = 0;
    for (let at = 0; at < ids.length; at++) {
      if (ids[at] !== FREE) this.set(ids[at]!, values[at]!);
    }
  }
}
