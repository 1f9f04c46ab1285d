import type { HostArray } from '../workload.ts';

/** Elements with their axes in another order. */
export function permute(
  { shape, data }: HostArray,
  order: readonly number[],
): HostArray & { data: Float32Array } {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const sides = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const result = new Float32Array(data.length);
  const [sideA, sideB, sideC, sideD] = sides;
  let at = 0;
  for (let a = 0; a < sideA; a++) {
    for (let b = 0; b < sideB; b++) {
      for (let c = 0; c < sideC; c++) {
        const start = a * steps[0] + b * steps[1] + c * steps[2];
        for (let d = 0; d < sideD; d++) result[at++] = data[start + d * steps[3]];
      }
    }
  }
  return { shape: sides, data: result };
}

/** [N, H, W, C] → [N, C, H, W], for engines that have images so. */
export const imagesChannelsFirst = (images: HostArray) => permute(images, [0, 3, 1, 2]);

/** [N, C, H, W] → [N, H, W, C] */
export const imagesChannelsLast = (images: HostArray) => permute(images, [0, 2, 3, 1]);

/** [kh, kw, in, out] → [out, in, kh, kw] */
export const kernelFiltersFirst = (kernel: HostArray) => permute(kernel, [3, 2, 0, 1]);
