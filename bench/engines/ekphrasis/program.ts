import type { Device } from '../../../src/kernels/device.ts';
import { profileTotals } from '../../../src/kernels/profiling/profile.ts';
import { scope } from '../../../src/tensor/scope.ts';
import { Tensor } from '../../../src/tensor/tensor.ts';
import type { HostArray } from '../../workload.ts';
import type { Arrays, Program } from '../program.ts';

export const tensorsOf = (device: Device): Arrays<Tensor> => ({
  async wait(tensor) {
    const element = scope(() => tensor.reshape([-1]).slice([0], [1]));
    await element.data();
    element.dispose();
  },
  read: async (tensor) => ({ shape: tensor.shape, data: await tensor.data() }),
  free: (tensor) => tensor.dispose(),
  ...(device.adapter?.features.has('timestamp-query') && {
    async gpuTime(work) {
      const { profile } = await device.profile(work);
      return profileTotals(profile.rows).milliseconds;
    },
  }),
});

export function upload(device: Device, { data, shape }: HostArray): Tensor {
  return Tensor.from(device, data, shape);
}

/** A program on uploaded operands. */
export function programOn(
  device: Device,
  operands: readonly HostArray[],
  compute: (...inputs: Tensor[]) => Tensor[],
): Program<Tensor> {
  const inputs = operands.map((operand) => upload(device, operand));
  return {
    compute: () => scope(() => compute(...inputs)),
    release: () => {
      for (const input of inputs) input.dispose();
    },
  };
}
