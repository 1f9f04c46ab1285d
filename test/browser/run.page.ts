/** The page of the browser's test: runs by itself when opened, shows what it does and leaves its findings in `window.report`. */
import { Captioner, type Device, decodeImage, requestDevice, urlSource } from '../../src/index.ts';
import { opCases } from '../op-suite.ts';
import {
  beams,
  type CaseResult,
  type DeviceReport,
  fingerprint,
  images,
  model,
  photograph,
  type Report,
  type WrittenCaption,
} from './report.ts';

function say(line: string): void {
  window.progress = line;
  const log = document.getElementById('log');
  if (log) log.textContent += `${line}\n`;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function describeAdapter(): Promise<string> {
  if (!navigator.gpu) return 'none: the browser has no navigator.gpu';
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) return 'none: requestAdapter() gave null';
  const { vendor, architecture, device, description } = adapter.info;
  return [vendor, architecture, device, description].filter((word) => word !== '').join(' ');
}

async function readImage(path: string) {
  return decodeImage(await urlSource(location.origin)(path), path);
}

async function fingerprints(): Promise<string[]> {
  const found: string[] = [];
  for (const path of images) {
    say(`decoding ${path}`);
    found.push(await readImage(path).then(fingerprint, messageOf));
  }
  return found;
}

async function runOps(device: Device): Promise<CaseResult[]> {
  const cases: CaseResult[] = [];
  // SwiftShader compiles slowly, and every variant has been held to the oracle in Node.
  const variants = device.kind === 'webgpu' ? 'chosen' : 'every';
  for (const { name, run } of opCases({ variants })) {
    window.progress = `${device.kind}: ${name}`;
    try {
      await run(device);
      cases.push({ name });
    } catch (error) {
      cases.push({ name, error: messageOf(error) });
      say(`${device.kind}: ${name}: ${messageOf(error)}`);
    }
  }
  const failed = cases.filter(({ error }) => error !== undefined).length;
  say(`${device.kind}: ${cases.length - failed} cases passed, ${failed} failed`);
  return cases;
}

async function writeCaptions(device: Device): Promise<WrittenCaption[]> {
  say(`${device.kind}: loading ${model}`);
  const captioner = await Captioner.load(urlSource(`${location.origin}/${model}`), device);
  try {
    const image = await readImage(photograph);
    const written: WrittenCaption[] = [];
    for (const beam of beams) {
      const start = performance.now();
      const { caption, logProbability } = await captioner.caption(image, { beam });
      const seconds = (performance.now() - start) / 1000;
      say(`${device.kind}, beam ${beam}: ${caption} (${seconds.toFixed(1)} s)`);
      written.push({ beam, caption, logProbability, seconds });
    }
    return written;
  } finally {
    captioner.dispose();
  }
}

async function reportOn(kind: 'cpu' | 'webgpu'): Promise<DeviceReport> {
  const device = await requestDevice({ prefer: kind });
  try {
    const start = performance.now();
    const cases = await runOps(device);
    const seconds = (performance.now() - start) / 1000;
    const before = device.memory().storages;
    const captions = await writeCaptions(device).catch(messageOf);
    const leaked = device.memory().storages - before;
    return { device: device.kind, description: device.description, seconds, cases, captions, leaked };
  } finally {
    device.destroy();
  }
}

async function run(): Promise<Report> {
  say('asking for an adapter');
  const adapter = await describeAdapter();
  say(`adapter: ${adapter}`);
  return {
    adapter,
    fingerprints: await fingerprints(),
    devices: [await reportOn('cpu'), await reportOn('webgpu')],
  };
}

window.report = run();
