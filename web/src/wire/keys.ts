/** Random words. randomUUID exists only in secure contexts, and a township tablet may come over plain HTTP. */
export function randomWord(bytes = 16): string {
  const raw = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(raw, (one) => one.toString(16).padStart(2, "0")).join("");
}

/** The idempotency key of one intention: pressing twice, or again after a lost answer, is the same intention.
 * A new key begins when the asked-for thing changes, was done, or was refused for good. */
export class Intention {
  private key = "";
  private shape = "";
  constructor(private readonly make: () => string = randomWord) {}

  keyFor(body: unknown): string {
    const shape = JSON.stringify(body) ?? "";
    if (!this.key || shape !== this.shape) {
      this.key = this.make();
      this.shape = shape;
    }
    return this.key;
  }
  settle(): void { this.key = ""; }
}
