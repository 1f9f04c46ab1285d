import { KernelError } from '../op/errors.ts';

const MAGIC_BYTES = 8;
const IMPORT_SECTION = 2;
const MEMORY_IMPORT = 2;
const SHARED_FLAG = 2;

/**
 * A WebAssembly program that imports a memory and nothing else, as the same program for a shared memory. The types of
 * the two differ in one bit of the import (WebAssembly threads, "Binary Format"), which does not need a second build.
 */
export function importSharedMemory(program: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(program);
  let at = MAGIC_BYTES;
  /** An unsigned LEB128. */
  const read = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = read();
    if (section !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    const imports = read();
    // The names of the import's module and of the import.
    for (let name = 0; name < 2; name++) {
      const length = read();
      at += length;
    }
    const kind = bytes[at++];
    if (imports !== 1 || kind !== MEMORY_IMPORT) break;
    bytes[at] |= SHARED_FLAG;
    return bytes;
  }
  throw new KernelError('the SIMD kernels do not import a memory alone; build them with scripts/build.mjs');
}
