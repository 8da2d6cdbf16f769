/** The least that a queue may hold of entries that are gone. */
const SLACK = 64;

/** What was added, or undefined since it is gone. */
interface Place<K, V> {
  entry: readonly [K, V] | undefined;
}

/**
 * A Map that gives its oldest entry in constant time.
 *
 * The obvious `map.keys().next()` does not: engines keep deleted entries in
 * place until they rehash, and an iterator made anew walks over all of them;
 * one that is kept holds on to every table the map has outgrown.
 */
export class FifoMap<K, V> {
  #map = new Map<K, Place<K, V>>();
  /** In the order they were added, with some that are gone. */
  #queue: Place<K, V>[] = [];
  #head = 0;

  /** How many entries there are. */
  get size(): number {
    return this.#map.size;
  }

  /** The entry that was added first, of those that are there. */
  get oldest(): readonly [K, V] | undefined {
    for (; this.#head < this.#queue.length; this.#head++) {
      const { entry } = this.#queue[this.#head]!;
      if (entry) return entry;
    }
    return undefined;
  }

  /** The value of a key. */
  get(key: K): V | undefined {
    return this.#map.get(key)?.entry?.[1];
  }

  /** Adds an entry as the newest; the key must not be there yet. */
  add(key: K, value: V): void {
    const place: Place<K, V> = { entry: [key, value] };
    this.#map.set(key, place);
    this.#queue.push(place);
    if (this.#queue.length > 2 * this.#map.size + SLACK) {
      this.#queue = [...this.#map.values()];
      this.#head = 0;
    }
  }

  /** Removes an entry; false if it was not there. */
  delete(key: K): boolean {
    const place = this.#map.get(key);
    if (!place) return false;
    // Its place stays in the queue for a while; what was there must not.
    place.entry = undefined;
    return this.#map.delete(key);
  }

  /** The keys, oldest first. */
  keys(): MapIterator<K> {
    return this.#map.keys();
  }
}
