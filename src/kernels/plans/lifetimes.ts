/** When in a fixed sequence of kernels some memory is needed: from kernel `first` to kernel `last`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Shares buffers among needs that do not overlap in time: for each need the number of its buffer, and each buffer's
 * size. The largest choose first, and take the buffer whose size is closest (Pisarchyk and Lee 2020, "Efficient Memory
 * Management for Deep Neural Net Inference", greedy by size).
 */
export function shareBuffers(needs: readonly Lifetime[]): { sizes: number[]; buffers: number[] } {
  const sizes: number[] = [];
  const holders: Lifetime[][] = [];
  const buffers = new Array<number>(needs.length);
  for (const index of bySize(needs)) {
    const need = needs[index];
    // Sizes fall, so the last that is free is the closest.
    let buffer = holders.findLastIndex((held) => !held.some((other) => overlap(other, need)));
    if (buffer < 0) {
      buffer = sizes.push(need.bytes) - 1;
      holders.push([]);
    }
    holders[buffer].push(need);
    buffers[index] = buffer;
  }
  return { sizes, buffers };
}

/**
 * Places needs in one stretch of memory such that those that overlap in time do not in space: the offset of each, and
 * the bytes of the whole. The largest choose first, and take the smallest gap that holds them (the same paper, greedy
 * by size for offsets).
 */
export function packOffsets(
  needs: readonly Lifetime[],
  alignment: number,
): { bytes: number; offsets: number[] } {
  const offsets = new Array<number>(needs.length);
  const placed: number[] = [];
  let bytes = 0;
  for (const index of bySize(needs)) {
    const need = needs[index];
    const size = roundUp(need.bytes, alignment);
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const other of placed) {
      if (!overlap(needs[other], need)) continue;
      const gap = offsets[other] - end;
      if (gap >= size && gap < bestGap) {
        best = end;
        bestGap = gap;
      }
      end = Math.max(end, offsets[other] + roundUp(needs[other].bytes, alignment));
    }
    const offset = best >= 0 ? best : end;
    offsets[index] = offset;
    bytes = Math.max(bytes, offset + size);
    const after = placed.findIndex((other) => offsets[other] > offset);
    placed.splice(after < 0 ? placed.length : after, 0, index);
  }
  return { bytes, offsets };
}

function bySize(needs: readonly Lifetime[]): number[] {
  return needs.map((_, index) => index).sort((one, other) => needs[other].bytes - needs[one].bytes);
}

function overlap(one: Lifetime, other: Lifetime): boolean {
  return one.first <= other.last && other.first <= one.last;
}

function roundUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
