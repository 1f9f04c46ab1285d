import type { Launch } from '../op/op.ts';
import type { Pipeline, PipelineCache } from './pipelines.ts';
import { reflect, type ShaderInterface } from './shader-interface.ts';
import { type SourceParts, specialise } from './specialise.ts';

/** A specialised shader, what it wants bound, and its pipeline. */
export interface Program {
  readonly name: string;
  readonly shader: ShaderInterface;
  readonly pipeline: Pipeline;
}

/**
 * Programs by the parts of their launches, so that the text is built and parsed once for each combination. Equal
 * texts from different parts share one pipeline.
 */
export class ProgramCache {
  readonly #pipelines: PipelineCache;
  readonly #programs = new Map<string, Program>();
  readonly #fileIds = new Map<string, number>();

  constructor(pipelines: PipelineCache) {
    this.#pipelines = pipelines;
  }

  /** Throws KernelError where the parts do not fit together. Compilation starts at once and fails later. */
  get(op: string, launch: Launch): Program {
    const key = this.#key(launch);
    let program = this.#programs.get(key);
    if (!program) {
      const source = specialise(launch);
      const shader = reflect(source);
      const pipeline = this.#pipelines.get(source, shader, `${op} (${source.name})`);
      program = { name: source.name, shader, pipeline };
      this.#programs.set(key, program);
    }
    return program;
  }

  #key({ shader, hooks, constants }: SourceParts): string {
    let key = `${this.#fileId(shader.source)}`;
    for (const hook of hooks ?? []) key += `+${this.#fileId(hook.source)}`;
    return constants ? `${key} ${JSON.stringify(constants)}` : key;
  }

  #fileId(source: string): number {
    let id = this.#fileIds.get(source);
    if (id === undefined) {
      id = this.#fileIds.size;
      this.#fileIds.set(source, id);
    }
    return id;
  }
}
