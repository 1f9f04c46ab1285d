import { OutOfMemoryError } from '../op/errors.ts';

const PAGE_BYTES = 65536;
const MAXIMUM_PAGES = 65536;
const ALIGNMENT = 16;
/** Size classes to a doubling: a block is at most an eighth larger than the smallest that would do. */
const CLASSES_PER_DOUBLING = 8;
/** Growing is a system call; small requests grow the memory by at least this much. */
const LEAST_GROWTH_BYTES = 4 << 20;

/** A stretch of the memory, in a list by address and, while free, in the list of its size class. */
export interface Block {
  readonly offset: number;
  bytes: number;
  free: boolean;
  before: Block | null;
  after: Block | null;
  nextFree: Block | null;
  previousFree: Block | null;
}

/**
 * Allocator over one growable WebAssembly memory: free blocks are kept by size class, last freed first (its lines may
 * still be in the cache), split on use and joined with free neighbours on release. Allocation may grow the memory, which
 * detaches every typed-array view made before (of a shared memory: leaves it as short as it was).
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly #limitPages: number;
  readonly #free: (Block | null)[] = [];
  #last: Block | null = null;
  #live = 0;

  /**
   * `limitBytes` caps the memory; at most 4 GiB, all that 32-bit WebAssembly addresses. A `shared` one may be used by
   * several threads, and its buffer is a SharedArrayBuffer.
   */
  constructor(limitBytes: number, shared: boolean) {
    this.#limitPages = Math.max(2, Math.min(MAXIMUM_PAGES, Math.floor(limitBytes / PAGE_BYTES)));
    // The first page stays unused: address 0 means "no operand".
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES, shared });
  }

  /** Bytes in use. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Bytes obtained from the system and free. */
  get freeBytes(): number {
    return this.memory.buffer.byteLength - PAGE_BYTES - this.#live;
  }

  /** A block of at least `bytes`; throws OutOfMemoryError. */
  allocate(bytes: number): Block {
    const wanted = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const block = this.#take(wanted) ?? this.#grow(wanted);
    this.#split(block, wanted);
    this.#live += block.bytes;
    return block;
  }

  release(block: Block): void {
    this.#live -= block.bytes;
    let merged = block;
    const { before, after } = block;
    if (after?.free) {
      this.#unlist(after);
      this.#absorb(block, after);
    }
    if (before?.free) {
      this.#unlist(before);
      this.#absorb(before, block);
      merged = before;
    }
    this.#list(merged);
  }

  #take(wanted: number): Block | null {
    for (let index = sizeClass(wanted); index < this.#free.length; index++) {
      for (let block = this.#free[index] ?? null; block; block = block.nextFree) {
        if (block.bytes >= wanted) {
          this.#unlist(block);
          return block;
        }
      }
    }
    return null;
  }

  #grow(wanted: number): Block {
    const tail = this.#last?.free ? this.#last : null;
    const missing = wanted - (tail?.bytes ?? 0);
    const held = this.memory.buffer.byteLength;
    const room = this.#limitPages - held / PAGE_BYTES;
    const needed = Math.ceil(missing / PAGE_BYTES);
    const pages = Math.min(room, Math.max(needed, LEAST_GROWTH_BYTES / PAGE_BYTES));
    if (pages < needed || !this.#growPages(pages)) {
      throw new OutOfMemoryError(
        `The CPU device cannot allocate ${wanted} bytes: it holds ${held} (${this.#live} in use) of at most ` +
          `${this.#limitPages * PAGE_BYTES}; dispose of tensors, or use smaller batches`,
      );
    }
    const fresh: Block = {
      offset: held,
      bytes: pages * PAGE_BYTES,
      free: false,
      before: this.#last,
      after: null,
      nextFree: null,
      previousFree: null,
    };
    if (this.#last) this.#last.after = fresh;
    this.#last = fresh;
    if (!tail) return fresh;
    this.#unlist(tail);
    this.#absorb(tail, fresh);
    return tail;
  }

  #growPages(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #split(block: Block, wanted: number): void {
    const rest = block.bytes - wanted;
    if (rest < ALIGNMENT) return;
    const tail: Block = {
      offset: block.offset + wanted,
      bytes: rest,
      free: false,
      before: block,
      after: block.after,
      nextFree: null,
      previousFree: null,
    };
    if (block.after) block.after.before = tail;
    else this.#last = tail;
    block.after = tail;
    block.bytes = wanted;
    this.#list(tail);
  }

  #absorb(block: Block, following: Block): void {
    block.bytes += following.bytes;
    block.after = following.after;
    if (following.after) following.after.before = block;
    else this.#last = block;
  }

  #list(block: Block): void {
    const index = sizeClass(block.bytes);
    const head = this.#free[index] ?? null;
    block.free = true;
    block.nextFree = head;
    block.previousFree = null;
    if (head) head.previousFree = block;
    this.#free[index] = block;
  }

  #unlist(block: Block): void {
    if (block.previousFree) block.previousFree.nextFree = block.nextFree;
    else this.#free[sizeClass(block.bytes)] = block.nextFree;
    if (block.nextFree) block.nextFree.previousFree = block.previousFree;
    block.free = false;
    block.nextFree = null;
    block.previousFree = null;
  }
}

/** Monotonic in the size, with {@link CLASSES_PER_DOUBLING} steps to each power of two. */
function sizeClass(bytes: number): number {
  const exponent = 31 - Math.clz32(Math.min(bytes, 0xffffffff));
  const fraction = bytes / 2 ** exponent - 1;
  return (
    exponent * CLASSES_PER_DOUBLING +
    Math.min(CLASSES_PER_DOUBLING - 1, Math.floor(fraction * CLASSES_PER_DOUBLING))
  );
}
