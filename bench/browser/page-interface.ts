/** What the page of the benchmark offers to the command that opens it. */
import type { Answers, Reply, Request } from '../measure/protocol.ts';

declare global {
  interface Window {
    /** Answers a request, or rejects. */
    answer(request: Request): Promise<Answers[keyof Answers]>;
    /** Given by the command: hears of the progress. */
    say(reply: Reply): Promise<void>;
    /** `vendor architecture device description` of the adapter that the browser gives, or null where it gives none. */
    describeAdapter(): Promise<{ readonly description: string; readonly software: boolean } | null>;
  }
}
