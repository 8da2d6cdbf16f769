/**
 * A Map that gives its oldest entry in constant time.
 *
 * The obvious `map.keys().next()` does not: engines keep deleted entries in
 * place until they rehash, and an iterator made anew walks over all of them. So
 * one iterator is kept, which stays where it is while the map changes.
 */
export class FifoMap<K, V> {
  #map = new Map<K, V>();
  #cursor = this.#map.entries();
  #oldest: [K, V] | undefined;

  /** How many entries there are. */
  get size(): number {
    return this.#map.size;
  }

  /** The entry that was added first, of those that are there. */
  get oldest(): readonly [K, V] | undefined {
    if (this.#map.size === 0) return undefined;
    while (!this.#oldest) {
      const next = this.#cursor.next();
      // An iterator that has seen the end sees nothing that comes after.
      if (next.done) this.#cursor = this.#map.entries();
      else this.#oldest = next.value;
    }
    return this.#oldest;
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  /** Adds an entry as the newest; the key must not be there yet. */
  add(key: K, value: V): void {
    this.#map.set(key, value);
  }

  /** Removes an entry; false if it was not there. */
  delete(key: K): boolean {
    if (this.#oldest && this.#oldest[0] === key) this.#oldest = undefined;
    return this.#map.delete(key);
  }

  /** The keys, oldest first. */
  keys(): MapIterator<K> {
    return this.#map.keys();
  }
}
