/** Installs the other engines, so that the project's own installation stays light. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const installedLock = 'bench/node_modules/.package-lock.json';

type Lock = { packages: Record<string, { version?: string; optional?: boolean }> };
const readLock = (path: string): Lock => JSON.parse(readFileSync(path, 'utf8'));

/** Whether what lies in bench/node_modules is what the lock file wants. */
export function peersInstalled(): boolean {
  if (!existsSync(installedLock)) return false;
  const [wanted, found] = [readLock('bench/package-lock.json').packages, readLock(installedLock).packages];
  return Object.entries(wanted).every(
    // npm leaves out the packages of other platforms; they are optional.
    ([path, { version, optional }]) => path === '' || optional || found[path]?.version === version,
  );
}

/** Throws with npm's last words where the installation fails. */
export function installPeers(): void {
  try {
    execFileSync('npm', ['ci', '--prefix', 'bench', '--no-audit', '--no-fund', '--loglevel=error'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      shell: process.platform === 'win32',
    });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    throw new Error(`npm ci --prefix bench failed: ${said.split('\n').at(-1)}`);
  }
}
