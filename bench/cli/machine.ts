/** What the results say of the machine and of the software on it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import type { Machine } from '../report/results.ts';

/** The distribution by its own name, `Debian GNU/Linux 12 (bookworm)`, else the kernel. */
function systemName(): string {
  const file = '/etc/os-release';
  const pretty = existsSync(file) && /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync(file, 'utf8'))?.[1];
  return pretty || `${type()} ${release()}`;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(),
    node: process.versions.node,
  };
}

/** The short hash of the checked-out commit, with `+` where files differ from it; null outside of a repository. */
export function currentCommit(): string | null {
  const git = (...parameters: string[]) =>
    execFileSync('git', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'shaders', 'bench');
    return git('rev-parse', '--short', 'HEAD') + (changed ? '+' : '');
  } catch {
    return null;
  }
}

/** Versions of this package, of Dawn and of what `bench/package.json` installs, as they lie on the disk. */
export function packageVersions(): Record<string, string> {
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
  const own = read('package.json');
  const versions: Record<string, string> = { [own.name]: own.version };
  const installed = (folder: string, names: readonly string[]) => {
    for (const name of names) {
      const path = `${folder}/node_modules/${name}/package.json`;
      if (existsSync(path)) versions[name] = read(path).version;
    }
  };
  installed('.', ['webgpu']);
  installed('bench', Object.keys(read('bench/package.json').dependencies));
  return versions;
}
