import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../arguments.ts';

const fileName = 'train.lock';

/** Who trains into a folder, as its lock file says. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Makes the folder where it is not there and takes it for this process, so that two trainings never write into one. The
 * lock of a process that is gone is taken over. Returns what gives it back; the end of the process does so too.
 * Throws UsageError where another process holds it.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const made = !existsSync(folder);
  await mkdir(folder, { recursive: true });
  const path = join(folder, fileName);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), begun: new Date().toISOString() });
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(path, `${own}\n`, { flag: 'wx' });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = await holderOf(path);
      if (attempt > 0 || !holder || !isGone(holder)) {
        const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
        throw new UsageError(
          `--out ${folder}: ${who} trains into it. Wait for it or name another folder; if it is gone, delete ${path}.`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  const release = (): void => {
    process.off('exit', release);
    rmSync(path, { force: true });
    // A training that could not begin leaves no empty folder.
    if (made) removeEmpty(folder);
  };
  process.on('exit', release);
  return release;
}

async function holderOf(path: string): Promise<Holder | null> {
  try {
    const { pid, host } = JSON.parse(await readFile(path, 'utf8'));
    return Number.isInteger(pid) && typeof host === 'string' ? { pid, host } : null;
  } catch {
    return null;
  }
}

/** A process of another machine counts as alive: nothing can be known of it. */
function isGone({ pid, host }: Holder): boolean {
  if (host !== hostname()) return false;
  // The number came round again, as it does in containers.
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not empty.
  }
}
