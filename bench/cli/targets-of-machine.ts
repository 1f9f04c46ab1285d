/** The devices of this machine that can be measured: WebGPU adapters, and the processor by numbers of threads. */
import type { Machine } from '../report/results.ts';
import { type Arguments, type DeviceName, UsageError } from './arguments.ts';
import type { Target } from './measure-device.ts';
import { MeasuringProcess } from './measuring-process.ts';

/** What `scripts/adapters.mjs` finds out of an adapter. */
export interface Probe {
  readonly kind: string;
  readonly state: 'works' | 'absent' | 'refused';
  readonly info?: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly software: boolean;
  };
  readonly reason?: string;
}

export interface Adapters {
  probeAdapter(kind: string): Promise<Probe>;
  adapterEnvironment(kind: string): Record<string, string>;
}

function adapterTarget({ kind, info }: Probe, { adapterEnvironment }: Adapters, file: string): Target {
  if (!info) throw new Error(`${kind}: an adapter that works has to say what it is`);
  const words = [info.description, info.vendor, info.architecture, info.device].filter(Boolean);
  return {
    device: kind,
    kind: 'webgpu',
    threads: null,
    description: [...new Set(words)].join(', '),
    software: info.software,
    start: () => new MeasuringProcess(file, adapterEnvironment(kind)),
  };
}

function cpuTarget(threads: number, { processor }: Machine, file: string): Target {
  return {
    device: `cpu-${threads}`,
    kind: 'cpu',
    threads,
    description: `${processor}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, WebAssembly`,
    software: false,
    start: () => new MeasuringProcess(file, {}),
  };
}

/**
 * The targets that were asked for, or all. Without being asked, whatever the system's own loader finds is measured only
 * where it is no software adapter, as those have names of their own; and --quick takes the first adapter and all cores
 * alone. Throws UsageError for a device that does not work.
 */
export async function targetsOfMachine(
  { quick, devices, threads }: Pick<Arguments, 'quick' | 'devices' | 'threads'>,
  machine: Machine,
  adapters: Adapters,
  measuringFile: string,
): Promise<Target[]> {
  const isAsked = (name: DeviceName) => devices === null || devices.includes(name);
  const targets: Target[] = [];
  for (const name of ['system', 'lavapipe', 'swiftshader'] as const) {
    if (!isAsked(name) || (quick && !devices && targets.length > 0)) continue;
    const probe = await adapters.probeAdapter(name);
    if (probe.state === 'works') {
      if (devices || name !== 'system' || !probe.info?.software) {
        targets.push(adapterTarget(probe, adapters, measuringFile));
      }
    } else if (devices) throw new UsageError(`--device ${name}: ${probe.reason ?? probe.state}`);
  }
  if (isAsked('cpu')) {
    const counts = threads ?? (quick ? [machine.cores] : [...new Set([1, machine.cores])]);
    for (const count of counts) targets.push(cpuTarget(count, machine, measuringFile));
  }
  return targets;
}
