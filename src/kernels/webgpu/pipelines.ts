import { KernelError } from '../op/errors.ts';
import { shaderStageCompute } from './gpu-flags.ts';
import type { ShaderInterface } from './shader-interface.ts';
import type { SpecialisedSource } from './specialise.ts';

/** A compute pipeline, perhaps still being compiled. */
export interface Pipeline {
  /** Layout of group 0: the storage buffers. */
  readonly storageLayout: GPUBindGroupLayout;
  /** Resolves, never rejects, when one of the two below is set. */
  readonly settled: Promise<void>;
  compiled: GPUComputePipeline | null;
  failure: KernelError | null;
}

interface Layouts {
  readonly storage: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** Compiles pipelines in parallel and keeps them by specialised text; layouts are shared by equal interfaces. */
export class PipelineCache {
  /** Layout of group 1: one uniform struct at a dynamic offset. */
  readonly uniformLayout: GPUBindGroupLayout;
  readonly #gpu: GPUDevice;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, Layouts>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.uniformLayout = gpu.createBindGroupLayout({
      label: 'uniforms',
      entries: [
        { binding: 0, visibility: shaderStageCompute, buffer: { type: 'uniform', hasDynamicOffset: true } },
      ],
    });
  }

  /** Number of pipelines made so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /** `label` names op and shader in error messages. The text decides the layout, so it alone is the key. */
  get(source: SpecialisedSource, shader: ShaderInterface, label: string): Pipeline {
    let pipeline = this.#pipelines.get(source.text);
    if (!pipeline) {
      pipeline = this.#create(source, shader, label);
      this.#pipelines.set(source.text, pipeline);
    }
    return pipeline;
  }

  #create(source: SpecialisedSource, shader: ShaderInterface, label: string): Pipeline {
    const gpu = this.#gpu;
    gpu.pushErrorScope('validation');
    const layouts = this.#layoutsOf(shader);
    const module = gpu.createShaderModule({ label, code: source.text });
    const scope = gpu.popErrorScope();
    const compiling = gpu.createComputePipelineAsync({
      label,
      layout: layouts.pipeline,
      compute: { module, entryPoint: 'main' },
    });
    const pipeline: Pipeline = {
      storageLayout: layouts.storage,
      settled: Promise.allSettled([compiling, scope]).then(async ([compiled, checked]) => {
        if (compiled.status === 'fulfilled') {
          pipeline.compiled = compiled.value;
          return;
        }
        const moduleError = checked.status === 'fulfilled' ? checked.value?.message : undefined;
        const complaint = moduleError ?? messageOf(compiled.reason);
        const details = await compilationErrors(module, source.text);
        pipeline.failure = new KernelError(`${label} does not compile: ${details || complaint}`);
      }),
      compiled: null,
      failure: null,
    };
    return pipeline;
  }

  #layoutsOf(shader: ShaderInterface): Layouts {
    const key = `${shader.bindings.join()}|${shader.uniforms ? 'uniforms' : ''}`;
    let layouts = this.#layouts.get(key);
    if (!layouts) {
      const storage = this.#gpu.createBindGroupLayout({
        label: key,
        entries: shader.bindings.map((access, binding) => ({
          binding,
          visibility: shaderStageCompute,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      });
      const bindGroupLayouts = shader.uniforms ? [storage, this.uniformLayout] : [storage];
      layouts = { storage, pipeline: this.#gpu.createPipelineLayout({ label: key, bindGroupLayouts }) };
      this.#layouts.set(key, layouts);
    }
    return layouts;
  }
}

/** The compiler's errors, each with the source line it points at; empty where it has nothing to say. */
async function compilationErrors(module: GPUShaderModule, text: string): Promise<string> {
  let messages: readonly GPUCompilationMessage[];
  try {
    messages = (await module.getCompilationInfo()).messages;
  } catch {
    // A lost device has no compiler to ask; the complaint of the pipeline itself is reported then.
    return '';
  }
  const lines = text.split('\n');
  return messages
    .filter((message) => message.type === 'error')
    .map(({ message, lineNum, linePos }) =>
      lineNum > 0
        ? `line ${lineNum}:${linePos}: ${message} in \`${(lines[lineNum - 1] ?? '').trim()}\``
        : message,
    )
    .join('; ');
}

export function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
