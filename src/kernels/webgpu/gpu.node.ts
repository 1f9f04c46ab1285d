import { existsSync } from 'node:fs';
import { NoAdapterError } from '../op/errors.ts';

type WebGpuModule = typeof import('webgpu');
let loading: Promise<WebGpuModule> | undefined;

// Dawn's instance does not live as long as its adapters and devices do, only as long as the object of `create` (webgpu
// 0.6.2): once that is collected, the next event of a device is a segmentation fault. Held ones do not keep Node alive.
const instances = new Map<string, GPU>();

/** Without it Dawn rounds timestamps to 65.536 µs, against pages that measure what they should not. */
const EXACT_TIMESTAMPS = 'disable-dawn-features=timestamp_quantization';

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
  const gpu = instances.get(key) ?? dawn.create([EXACT_TIMESTAMPS, ...options]);
  instances.set(key, gpu);
  return gpu;
}

/** Where Linux shows GPUs: the kernel's drivers, NVIDIA's own, and Windows' below a Linux subsystem. */
const LINUX_GPUS = ['/dev/dri', '/dev/nvidia0', '/dev/nvidiactl', '/dev/dxg'];

/**
 * Whether there can be a hardware GPU at all. Where there cannot, asking Dawn would load 21 MB and have it print
 * warnings on the standard error that no one can turn off.
 */
export function hardwareMayExist(): boolean {
  return process.platform !== 'linux' || LINUX_GPUS.some((path) => existsSync(path));
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
const REST_MILLISECONDS = 0.2;

/**
 * While anything is pending Dawn asks for news on every turn of the event loop and so takes a whole core, which a
 * software adapter needs itself. This stops the thread for a moment on each turn for as long as `waiting` says so: on
 * two cores InceptionV3 takes 0.8 s instead of 1.4 on lavapipe, 4.2 instead of 6.3 on SwiftShader.
 */
export function restBetweenPolls(waiting: () => boolean): void {
  const rest = () => {
    if (!waiting()) return;
    Atomics.wait(nobodyWakes, 0, 0, REST_MILLISECONDS);
    setImmediate(rest);
  };
  setImmediate(rest);
}
