import { type ChildProcess, fork } from 'node:child_process';
import type { Answers, Reply, Request } from '../measure/protocol.ts';

/** A measuring process ended, or did not go on, while it was at work. */
export class ProcessFailure extends Error {
  override readonly name = 'ProcessFailure';

  /** `engine` is the one that was at work, or null; `timeLimit` the seconds that it had, if that is the reason. */
  constructor(
    message: string,
    readonly engine: string | null,
    readonly timeLimit: number | null,
  ) {
    super(message);
  }
}

/** Shader caches on the disk would make the first run of today depend on that of yesterday. */
const noShaderCaches = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/** Characters of a process's output that are kept to say why it died. */
const KEPT_OUTPUT = 4000;

/** A process that measures, to be asked one thing at a time. */
export class MeasuringProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  #output = '';

  /** `file` is the built measure/process.ts. */
  constructor(file: string, environment: Readonly<Record<string, string>>) {
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
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  /**
   * Asks and waits for the answer. Every sign of progress gives it `secondsPerStep` more. Rejects with ProcessFailure
   * where the process dies or stands still, and with an Error where it refuses.
   */
  ask<K extends Request['kind']>(
    request: Extract<Request, { kind: K }>,
    secondsPerStep: number,
    progress: (engine: string, step: string) => void = () => {},
  ): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      let engine: string | null = null;
      let timer: NodeJS.Timeout;
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#child.removeListener('message', hear);
        act();
      };
      const watch = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          this.close();
          const message = `not done after ${secondsPerStep} s`;
          settle(() => reject(new ProcessFailure(message, engine, secondsPerStep)));
        }, secondsPerStep * 1000);
      };
      const hear = (reply: Reply) => {
        watch();
        if (reply.kind === 'progress') {
          engine = reply.engine;
          progress(reply.engine, reply.step);
        } else if (reply.kind === 'error') settle(() => reject(new Error(reply.message)));
        else settle(() => resolve(reply.answer as Answers[K]));
      };
      this.#child.on('message', hear);
      this.#ended.then((ending) => {
        const said = this.#lastWords();
        settle(() =>
          reject(
            new ProcessFailure(
              `its process ended with ${ending}${said && `, saying: ${said}`}`,
              engine,
              null,
            ),
          ),
        );
      });
      watch();
      this.#child.send(request);
    });
  }

  /** Ends the process, whatever it is at. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  /** The line of its output that names an error, or its last one. */
  #lastWords(): string {
    const lines = this.#output.split('\n').filter((line) => line.trim() !== '');
    return (lines.findLast((line) => /error|fatal|panic/i.test(line)) ?? lines.at(-1) ?? '')
      .trim()
      .slice(0, 300);
  }
}
