import type { Answers, Reply, Request } from '../measure/protocol.ts';

/** A workplace ended, or did not go on, while it was at work. */
export class WorkplaceFailure extends Error {
  override readonly name = 'WorkplaceFailure';

  /** `engine` is the one that was at work, or null; `timeLimit` the seconds that it had, if that is the reason. */
  constructor(
    message: string,
    readonly engine: string | null,
    readonly timeLimit: number | null,
  ) {
    super(message);
  }
}

/** The question that a workplace is at. */
interface Question {
  engine: string | null;
  timer: NodeJS.Timeout | undefined;
  readonly secondsPerStep: number;
  progress(engine: string, step: string): void;
  resolve(answer: Answers[keyof Answers]): void;
  reject(error: Error): void;
}

/** Where cases run, a process or a page in a browser: it is asked one thing at a time. */
export abstract class Workplace {
  #question: Question | null = null;
  #ending: string | null = null;

  /** Sends the request to whoever answers by `hear`. */
  protected abstract post(request: Request): void;

  /** Ends the workplace, whatever it is at. */
  abstract close(): void;

  /**
   * Asks and waits for the answer. Every sign of progress gives it `secondsPerStep` more. Rejects with WorkplaceFailure
   * where the workplace ends or stands still, and with an Error where it refuses.
   */
  ask<K extends Request['kind']>(
    request: Extract<Request, { kind: K }>,
    secondsPerStep: number,
    progress: (engine: string, step: string) => void = () => {},
  ): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      this.#question = {
        engine: null,
        timer: undefined,
        secondsPerStep,
        progress,
        resolve: resolve as Question['resolve'],
        reject,
      };
      if (this.#ending === null) {
        this.#watch(this.#question);
        this.post(request);
      } else this.ended(this.#ending);
    });
  }

  /** Takes what the workplace says. */
  protected hear(reply: Reply): void {
    const question = this.#question;
    if (!question) return;
    if (reply.kind === 'progress') {
      this.#watch(question);
      question.engine = reply.engine;
      question.progress(reply.engine, reply.step);
    } else if (reply.kind === 'answer') this.#settle()?.resolve(reply.answer);
    else this.#settle()?.reject(new Error(reply.message));
  }

  /** Takes that the workplace is no more; `message` says how it ended. */
  protected ended(message: string): void {
    this.#ending = message;
    const question = this.#settle();
    question?.reject(new WorkplaceFailure(message, question.engine, null));
  }

  #watch(question: Question): void {
    clearTimeout(question.timer);
    const { secondsPerStep } = question;
    question.timer = setTimeout(() => {
      this.#settle();
      this.close();
      question.reject(
        new WorkplaceFailure(`not done after ${secondsPerStep} s`, question.engine, secondsPerStep),
      );
    }, secondsPerStep * 1000);
  }

  #settle(): Question | null {
    const question = this.#question;
    this.#question = null;
    clearTimeout(question?.timer);
    return question;
  }
}
