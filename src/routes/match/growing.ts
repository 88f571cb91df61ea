/**
 * Typed arrays that grow, so that entries of a list need no objects.
 *
 * @module
 */

/** Numbers of 32 bits, appended one by one. */
export class GrowingWords {
  #words = new Uint32Array(16);
  #length = 0;

  /** The number of words. */
  get length(): number {
    return this.#length;
  }

  /** Appends a word. */
  push(word: number): void {
    if (this.#length === this.#words.length) {
      this.#words = doubled(this.#words, new Uint32Array(2 * this.#length));
    }
    this.#words[this.#length++] = word;
  }

  /** Returns the word at an existing index. */
  at(index: number): number {
    return this.#words[index]!;
  }

  /** Copies the words into an array of their exact size. */
  toArray(): Uint32Array {
    return this.#words.slice(0, this.#length);
  }
}

/** Bytes that are appended as ASCII text. */
export class GrowingText {
  #bytes = new Uint8Array(64);
  #length = 0;

  /** The number of bytes. */
  get length(): number {
    return this.#length;
  }

  /** Appends text of characters below U+0100. */
  push(text: string): void {
    const needed = this.#length + text.length;
    if (needed > this.#bytes.length) {
      const size = Math.max(needed, 2 * this.#bytes.length);
      this.#bytes = doubled(this.#bytes, new Uint8Array(size));
    }
    for (let i = 0; i < text.length; i++) {
      this.#bytes[this.#length++] = text.charCodeAt(i);
    }
  }

  /** Copies the bytes into an array of their exact size. */
  toArray(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function doubled<A extends Uint8Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
