import { NoAdapterError } from '../errors.ts';

type WebGpuModule = typeof import('webgpu');
let loading: Promise<WebGpuModule> | undefined;

// Dawn's instance does not live as long as its adapters and devices do, only as long as the object of `create` (webgpu
// 0.6.2): once that is collected, the next event of a device is a segmentation fault. Held ones do not keep Node alive.
const instances = new Map<string, GPU>();

/**
 * Dawn as a Node addon. It is loaded on the first call and touches no global. `options` are Dawn's own, such as
 * `backend=null` for a device that compiles and validates but computes nothing. Throws NoAdapterError where the addon
 * does not load.
 */
export async function openGpu(options: readonly string[] = []): Promise<GPU> {
  loading ??= import('webgpu');
  let dawn: WebGpuModule;
  try {
    dawn = await loading;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NoAdapterError(
      `the npm package webgpu (Dawn) does not load on ${process.platform} ${process.arch}: ${reason}; ` +
        'it has binaries for Linux with glibc, macOS and Windows: elsewhere take the CPU device',
      { cause },
    );
  }
  const key = options.join();
  const gpu = instances.get(key) ?? dawn.create([...options]);
  instances.set(key, gpu);
  return gpu;
}
