import type { Device } from '../../../src/kernels/device.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import type { Engine, Prepared, Workload } from '../../workload.ts';
import { type Preparations, prepareWith } from '../preparations.ts';
import { type Program, prepared, timed } from '../program.ts';
import { decoderTraining, prepareDecoding } from './captioner.ts';
import { inceptionPrograms } from './inception.ts';
import { operations } from './operations.ts';
import { tensorsOf } from './program.ts';

/** This project, on one of its devices. The engine destroys the device at its end. */
export function ekphrasisEngine(name: string, device: Device): Engine {
  const programs: Preparations<Program<Tensor>> = {
    ...operations(device),
    ...inceptionPrograms(device),
    decoderTraining: (workload) => decoderTraining(device, workload),
  };
  return {
    name,
    description: `Ekphrasis, ${device.description}`,
    async prepare(workload: Workload): Promise<Prepared | null> {
      const tensors = tensorsOf(device);
      if (workload.kind === 'decode') return timed(prepareDecoding(device, workload), tensors);
      const program = await prepareWith(programs, workload);
      return program && prepared(tensors, program);
    },
    async dispose() {
      device.destroy();
    },
  };
}
