import { type ChildProcess, fork } from 'node:child_process';
import type { Reply, Request } from '../measure/protocol.ts';
import { Workplace } from './workplace.ts';

/** Shader caches on the disk would make the first run of today depend on that of yesterday. */
const noShaderCaches = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/** Characters of a process's output that are kept to say why it died. */
const KEPT_OUTPUT = 4000;

/** A process that measures. */
export class MeasuringProcess extends Workplace {
  readonly #child: ChildProcess;
  #output = '';

  /** `file` is the built measure/process.ts. */
  constructor(file: string, environment: Readonly<Record<string, string>>) {
    super();
    this.#child = fork(file, {
      env: { ...process.env, ...noShaderCaches, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const keep = (chunk: Buffer) => {
      this.#output = (this.#output + chunk).slice(-KEPT_OUTPUT);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.on('message', (reply: Reply) => this.hear(reply));
    // Not on 'exit', after which output can still come.
    this.#child.once('close', (code, signal) => {
      const said = this.#lastWords();
      this.ended(`its process ended with ${signal ?? `exit code ${code}`}${said && `, saying: ${said}`}`);
    });
  }

  protected override post(request: Request): void {
    // Where this fails the process is gone, and 'close' says why.
    this.#child.send(request, () => {});
  }

  override close(): void {
    this.#child.kill('SIGKILL');
  }

  /** The line of its output that names an error, or its last one. */
  #lastWords(): string {
    const lines = this.#output.split('\n').filter((line) => line.trim() !== '');
    const named = lines.findLast((line) => /error|fatal|panic/i.test(line));
    return (named ?? lines.at(-1) ?? '').trim().slice(0, 300);
  }
}
