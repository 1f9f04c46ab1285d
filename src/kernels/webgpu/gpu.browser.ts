import { NoAdapterError } from '../op/errors.ts';

/** The browser's WebGPU. It takes no options. Throws NoAdapterError where there is none. */
export async function openGpu(_options: readonly string[] = []): Promise<GPU> {
  if (!navigator.gpu) {
    throw new NoAdapterError(
      'this page has no navigator.gpu: it needs a browser with WebGPU and a page served over https or from localhost; ' +
        'otherwise take the CPU device',
    );
  }
  return navigator.gpu;
}

/** Nothing to do: a browser runs its GPU in another process and tells when it is done. */
export function restBetweenPolls(_waiting: () => boolean): void {}

/** Only the adapter tells. */
export function hardwareMayExist(): boolean {
  return true;
}
