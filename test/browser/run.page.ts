/** The page of the browser's test: runs by itself when opened, shows what it does and leaves its findings in `window.report`. */
import { CpuDevice } from '../../src/kernels/cpu/cpu-device.ts';
import type { Device } from '../../src/kernels/device.ts';
import { WebGpuDevice } from '../../src/kernels/webgpu/webgpu-device.ts';
import { opCases } from '../op-suite.ts';
import type { CaseResult, DeviceReport, Report } from './report.ts';

function say(line: string): void {
  window.progress = line;
  const log = document.getElementById('log');
  if (log) log.textContent += `${line}\n`;
}

async function describeAdapter(): Promise<string> {
  if (!navigator.gpu) return 'none: the browser has no navigator.gpu';
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) return 'none: requestAdapter() gave null';
  const { vendor, architecture, device, description } = adapter.info;
  return [vendor, architecture, device, description].filter((word) => word !== '').join(' ');
}

async function runOps(device: Device): Promise<DeviceReport> {
  const cases: CaseResult[] = [];
  const start = performance.now();
  for (const { name, run } of opCases()) {
    window.progress = `${device.kind}: ${name}`;
    try {
      await run(device);
      cases.push({ name });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      cases.push({ name, error: reason });
      say(`${device.kind}: ${name}: ${reason}`);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const failed = cases.filter(({ error }) => error !== undefined).length;
  say(`${device.kind}: ${cases.length - failed} cases passed, ${failed} failed, ${seconds.toFixed(1)} s`);
  return { device: device.kind, description: device.description, seconds, cases };
}

async function run(): Promise<Report> {
  say('asking for an adapter');
  const adapter = await describeAdapter();
  say(`adapter: ${adapter}`);
  const devices: DeviceReport[] = [];
  for (const request of [() => CpuDevice.create(), () => WebGpuDevice.request()]) {
    const device = await request();
    devices.push(await runOps(device));
    device.destroy();
  }
  return { adapter, devices };
}

window.report = run();
