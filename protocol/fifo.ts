/** A value's place in a {@linkcode Fifo}. */
export class Place<T> {
  /** What was added. */
  readonly value: T;
  /** The list that it is in. */
  list: Fifo<T> | undefined;
  /** The one before it. */
  previous: Place<T> | undefined;
  /** The one after it. */
  next: Place<T> | undefined;

  constructor(value: T) {
    this.value = value;
  }
}

/**
 * Values in the order they were added, each of which can leave at any time: a
 * linked list. Whoever adds a value keeps its place; looking it up in a
 * `FifoMap` costs more, and is hard on the collector (see `IdMap`).
 */
export class Fifo<T> {
  #first: Place<T> | undefined;
  #last: Place<T> | undefined;
  #size = 0;

  /** How many values there are. */
  get size(): number {
    return this.#size;
  }

  /** The value that was added first, of those that are there. */
  get oldest(): T | undefined {
    return this.#first?.value;
  }

  /** Adds a value as the newest; gives its place. */
  add(value: T): Place<T> {
    const place = new Place(value);
    place.list = this;
    place.previous = this.#last;
    if (this.#last) this.#last.next = place;
    else this.#first = place;
    this.#last = place;
    this.#size++;
    return place;
  }

  /** Removes what is at a place; false if it was not there any more. */
  delete(place: Place<T> | undefined): boolean {
    if (place?.list !== this) return false;
    const { previous, next } = place;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // A dead place that points to living ones would keep them.
    place.list = place.previous = place.next = undefined;
    this.#size--;
    return true;
  }

  /** The values, oldest first: a copy. */
  values(): T[] {
    const values: T[] = [];
    for (let place = this.#first; place; place = place.next) {
      values.push(place.value);
    }
    return values;
  }
}
