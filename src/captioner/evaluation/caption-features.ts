import type { Device } from '../../kernels/device.ts';
import { Tensor } from '../../tensor/tensor.ts';
import type { Caption, Captioner, CaptionOptions } from '../captioner.ts';
import type { FeatureTable } from '../training/teacher-forcing.ts';

/**
 * Captions from features that were computed before, one a row of the table, in the rows' order.
 * @param progress called with the number of captions done
 */
export async function captionFeatures(
  device: Device,
  captioner: Captioner,
  { rowShape, data }: FeatureTable,
  options: CaptionOptions,
  progress: (done: number) => void,
): Promise<Caption[]> {
  const width = rowShape.reduce((product, size) => product * size, 1);
  const captions: Caption[] = [];
  for (let start = 0; start < data.length; start += width) {
    const row = Tensor.from(device, data.slice(start, start + width), [1, ...rowShape]);
    try {
      captions.push(await captioner.describe(row, options));
    } finally {
      row.dispose();
    }
    progress(captions.length);
  }
  return captions;
}
