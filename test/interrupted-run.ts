import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSafetensors } from '../src/nn/formats/safetensors.ts';

/** Runs `train` until something holds, and sends it the signal; resolves when it has gone. */
export async function interruptedRun(
  args: readonly string[],
  signal: NodeJS.Signals,
  reached: () => boolean,
): Promise<{ code: number | null; killed: NodeJS.Signals | null; stderr: string }> {
  const child = spawn('node', ['dist/train.js', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; killed: NodeJS.Signals | null }>((resolve) =>
    child.on('close', (code, killed) => resolve({ code, killed })),
  );
  while (child.exitCode === null && !reached()) await sleep(2);
  child.kill(signal);
  return { ...(await ended), stderr };
}

/** Steps of the checkpoint of a fine-tuning; 0 before the first one. */
export function fineTunedSteps(folder: string): number {
  const path = join(folder, 'checkpoint.safetensors');
  return existsSync(path) ? JSON.parse(readSafetensors(readFileSync(path), path).metadata.state).step : 0;
}
