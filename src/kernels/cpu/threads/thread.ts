/** A worker as its platform starts it. */
export interface Thread {
  post(message: unknown): void;
  /** Ends it, whatever it is doing. */
  stop(): void;
}

/** What a worker runs and who listens to it. */
export interface ThreadSettings {
  /** Makes the program from the platform's expressions for a function that takes a listener, and one that sends. */
  program(receive: string, send: string): string;
  onMessage(message: unknown): void;
  /** The worker could not start, or broke down. */
  onError(reason: string): void;
}
