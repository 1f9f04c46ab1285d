/** The page of the browser's test: runs by itself when opened, shows what it does and leaves its findings in `window.report`. */
import type { Report } from './report.ts';

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

async function run(): Promise<Report> {
  say('asking for an adapter');
  const adapter = await describeAdapter();
  say(`adapter: ${adapter}`);
  return { adapter, devices: [] };
}

window.report = run();
