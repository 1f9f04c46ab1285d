import { Arena } from './arena.ts';
import { type BoundKernels, bindSimdKernels, compileSimdKernels } from './simd-kernels.ts';
import { Team } from './threads/team.ts';

/** Nanoseconds of work below which a piece of it is not worth its own taking. */
const LEAST_PIECE = 10_000;

/** Workers outlive whoever forgets them: those of a machine that was dropped without `stop` are ended with it. */
const abandoned = new FinalizationRegistry<Team>((team) => team.dismiss());

interface Parts {
  readonly module: WebAssembly.Module;
  readonly arena: Arena;
  readonly limitBytes: number;
  /** The threads that share the memory, or null where this one is alone. */
  readonly team: Team | null;
  readonly description: string;
}

/** A WebAssembly memory, the kernels on it, and the threads that run them. */
export class Machine {
  /** What it is made of, for people; where it was to have more than one thread and has not, why. */
  readonly description: string;
  readonly #module: WebAssembly.Module;
  readonly #limitBytes: number;
  readonly #team: Team | null;
  #arena: Arena;
  #kernels: BoundKernels;
  #stopped = false;

  private constructor({ module, arena, limitBytes, team, description }: Parts) {
    this.description = description;
    this.#module = module;
    this.#limitBytes = limitBytes;
    this.#team = team;
    this.#arena = arena;
    this.#kernels = bindSimdKernels(module, arena.memory);
    if (team) abandoned.register(this, team, this);
  }

  /**
   * A machine of `threads` threads, or of one where the platform allows no more, whose memory may grow to `limitBytes`.
   * Throws UnsupportedError where the runtime has no WebAssembly SIMD.
   */
  static async start(threads: number, limitBytes: number): Promise<Machine> {
    let how = 'one thread';
    if (threads > 1) {
      const { module, description } = await compileSimdKernels(true);
      try {
        const arena = new Arena(limitBytes, true);
        const team = await Team.assemble(threads, module, arena.memory);
        return new Machine({
          module,
          arena,
          limitBytes,
          team,
          description: `${description}, ${threads} threads`,
        });
      } catch (error) {
        how += ` (${error instanceof Error ? error.message : String(error)})`;
      }
    }
    const { module, description } = await compileSimdKernels(false);
    const arena = new Arena(limitBytes, false);
    return new Machine({ module, arena, limitBytes, team: null, description: `${description}, ${how}` });
  }

  get arena(): Arena {
    return this.#arena;
  }

  get threads(): number {
    return this.#team?.size ?? 1;
  }

  /** Runs a kernel over `units` units of its work, each of about `nanoseconds`. Throws KernelError. */
  run(kernel: string, operands: readonly number[], units: number, nanoseconds: number): void {
    if (units === 0) return;
    const { functions, numbers } = this.#kernels;
    const number = numbers.get(kernel) as number;
    const least = Math.ceil(LEAST_PIECE / nanoseconds);
    if (this.#team && units > least) this.#team.run(functions, number, operands, units, least);
    else functions[number](...operands, 0, units, 0);
  }

  /** Replaces the memory by an empty one. */
  renew(): void {
    this.#arena = new Arena(this.#limitBytes, this.#team !== null);
    this.#kernels = bindSimdKernels(this.#module, this.#arena.memory);
    if (!this.#stopped) this.#team?.moveTo(this.#arena.memory);
  }

  /** Ends the threads and gives the memory back. */
  stop(): void {
    this.#stopped = true;
    this.#team?.dismiss();
    abandoned.unregister(this);
    this.renew();
  }
}
