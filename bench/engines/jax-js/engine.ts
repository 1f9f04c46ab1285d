import type { Array as JaxArray } from '@jax-js/jax';
import type { Engine, HostArray, Prepared, Workload } from '../../workload.ts';
import { imagesChannelsLast } from '../channels-first.ts';
import { provideWebGpu } from '../platform.node.ts';
import { prepareWith } from '../preparations.ts';
import { type Arrays, prepared } from '../program.ts';
import { untilDone } from '../until-done.ts';
import { jaxPrograms } from './programs.ts';

/** The package does not tell its own version: the one of bench/package.json. */
const version = '0.1.25';

const arraysOf = (restore: (output: HostArray) => HostArray): Arrays<JaxArray> => ({
  async wait(array) {
    await untilDone(array.ref.reshape([-1]).slice([0, 1]).data());
  },
  async read(array) {
    const shape = [...array.shape];
    return restore({ shape, data: await untilDone(array.ref.data()) });
  },
  free: (array) => array.dispose(),
});

/** jax-js on WebGPU. */
export async function jaxJsEngine(name: string): Promise<Engine> {
  await provideWebGpu();
  const jax = await import('@jax-js/jax');
  if (!(await jax.init('webgpu')).includes('webgpu'))
    throw new Error('jax-js cannot start its device "webgpu"');
  jax.defaultDevice('webgpu');
  const programs = jaxPrograms(jax);
  const images = new Set(['conv2d', 'pool', 'inceptionV3']);
  return {
    name,
    description: `jax-js ${version}, device webgpu, functions under jit, images NCHW`,
    async prepare(workload: Workload): Promise<Prepared | null> {
      const program = await prepareWith(programs, workload);
      const restore = images.has(workload.kind) ? imagesChannelsLast : (output: HostArray) => output;
      return program && prepared(arraysOf(restore), program);
    },
    dispose: async () => {},
  };
}
