import { CpuDevice } from '../../src/kernels/cpu/cpu-device.ts';
import { requestDevice } from '../../src/kernels/request-device.ts';
import type { Engine } from '../workload.ts';
import { ekphrasisEngine } from './ekphrasis/engine.ts';
import { jaxJsEngine } from './jax-js/engine.ts';
import { tfjsEngine } from './tfjs/engine.ts';

export interface EngineRequest {
  readonly device: 'webgpu' | 'cpu';
  /** Engines or families, such as `tfjs/webgpu` or `tfjs`; all when not given. */
  readonly names?: readonly string[];
  /** Of the engines on the processor that can have several; 1 when not given. One number for the whole process. */
  readonly threads?: number;
}

interface Entry {
  readonly name: string;
  open(name: string): Promise<Engine>;
}

/** Loaded when it is opened, since it needs a package that may not be installed yet when the names are asked for. */
async function onnxruntime(name: string, threads: number): Promise<Engine> {
  const { onnxruntimeEngine } = await import('./onnxruntime/engine.ts');
  return onnxruntimeEngine(name, threads);
}

async function ekphrasisOnCpu(name: string, threads: number): Promise<Engine> {
  return ekphrasisEngine(name, await CpuDevice.create({ reason: 'as asked', threads }));
}

/** All engines of a device, ours first: the others' outputs are compared with its. */
function entries({ device, threads = 1 }: EngineRequest): Entry[] {
  if (device === 'webgpu') {
    return [
      {
        name: 'ekphrasis/webgpu',
        open: async (name) => ekphrasisEngine(name, await requestDevice({ prefer: 'webgpu' })),
      },
      { name: 'tfjs/webgpu', open: (name) => tfjsEngine(name, 'webgpu', 1) },
      { name: 'jax-js/webgpu', open: jaxJsEngine },
    ];
  }
  const all = [
    { name: `ekphrasis/cpu-${threads}`, open: (name: string) => ekphrasisOnCpu(name, threads) },
    { name: `tfjs/wasm-${threads}`, open: (name: string) => tfjsEngine(name, 'wasm', threads) },
    { name: `onnxruntime/wasm-${threads}`, open: (name: string) => onnxruntime(name, threads) },
  ];
  // Plain JavaScript has one thread.
  if (threads === 1) all.push({ name: 'tfjs/cpu', open: (name) => tfjsEngine(name, 'cpu', 1) });
  return all;
}

function chosen(request: EngineRequest): Entry[] {
  const { names } = request;
  return entries(request).filter(
    ({ name }) => !names || names.some((asked) => name === asked || name.startsWith(`${asked}/`)),
  );
}

/** Names of the engines that {@link openEngines} would open. */
export function engineNames(request: EngineRequest): string[] {
  return chosen(request).map(({ name }) => name);
}

/** Stands for an engine that does not open: it says so for every workload. */
function unopened(name: string, reason: unknown): Engine {
  const message = reason instanceof Error ? reason.message : String(reason);
  return {
    name,
    description: `does not open: ${message}`,
    prepare: () => Promise.reject(new Error(`${name} does not open: ${message}`)),
    dispose: async () => {},
  };
}

/** Opens the engines of one device, for one process: those of tfjs and onnxruntime share state in it. */
export async function openEngines(request: EngineRequest): Promise<Engine[]> {
  const engines: Engine[] = [];
  for (const { name, open } of chosen(request)) {
    engines.push(await open(name).catch((reason: unknown) => unopened(name, reason)));
  }
  return engines;
}
