/** What other engines need of Node that they find by themselves in a browser. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { openGpu } from '../../src/kernels/webgpu/gpu.node.ts';

export { restBetweenPolls } from '../../src/kernels/webgpu/gpu.node.ts';

const require = createRequire(import.meta.url);

/** Gives this process what a page has: `navigator.gpu` and the constants of WebGPU. Before an engine is imported. */
export async function provideWebGpu(): Promise<void> {
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = await openGpu();
  // Node has a navigator from 21 on, with this userAgent.
  const navigator = globalThis.navigator ?? { userAgent: `Node.js/${process.versions.node}` };
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}

/** Where the WebAssembly files of an installed package lie, with a slash at the end. */
export function wasmFolder(packageName: '@tensorflow/tfjs-backend-wasm' | 'onnxruntime-web'): string {
  return join(dirname(require.resolve(packageName)), '/');
}
