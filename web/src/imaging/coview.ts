/** What two people look at together, as the visit keeps it. Everything in it is independent of the size of a screen. */
export interface SharedView {
  /** Empty when nobody shows anything. */
  study_uid: string;
  kind: "image" | "ecg";
  image?: ImageView;
  ecg?: EcgView;
}

export interface ImageView {
  series_uid: string;
  sop: string;
  frame: number;
  window: { center: number; width: number } | null;
  invert: boolean;
  /** 1 = the whole picture just fits. */
  zoom: number;
  /** The point of the picture in the middle of the glass, in its width and height. */
  center: [number, number];
}

export interface EcgView {
  instance: string;
  group: number;
  speed: number;
  gain: number;
  layout: string;
  /** Seconds from the beginning at the left edge. */
  from_s: number;
  caliper: { kind: "time" | "amplitude"; a: number; b: number; lead: string } | null;
}

/** On the wire: who wrote it and how often the view has changed. The higher pair wins on every screen, whatever the order of arrival. */
interface Stamped extends SharedView { n: number; by: string }

export const CLOSED: SharedView = { study_uid: "", kind: "image" };

export interface CoviewDeps {
  send: (state: object) => boolean;
  /** The view to be shown now; `by` is the seat that moved it. */
  show: (view: SharedView, by: string) => void;
  now: () => number;
  later: (run: () => void, ms: number) => unknown;
  forget: (timer: unknown) => void;
}

/** Whose hand moved last keeps the lead this long, so that two who scroll at once do not pull each other to and fro. */
export const HOLD_MS = 300;
/** At most so often a second a moving picture is told: a socket may say 50 things a second, pointers included. */
export const SEND_EVERY_MS = 90;

const isView = (value: unknown): value is Stamped => {
  const one = value as Partial<Stamped> | null;
  return typeof one === "object" && one !== null && typeof one.study_uid === "string" && typeof one.n === "number" && typeof one.by === "string"
    && (one.kind === "image" || one.kind === "ecg");
};
const newer = (a: Stamped, b: Stamped | null): boolean => !b || a.n > b.n || (a.n === b.n && a.by > b.by);

/** Keeps several screens on the same picture.
 *
 *   my hand moves    shown at once here; told to the others, unless somebody else has moved within HOLD_MS: then when they rest
 *   theirs arrives   shown at once, unless my own hand has moved within HOLD_MS: then when I rest, if theirs was the later
 *   free mode        nothing is told, nothing is shown; coming back shows what the others see
 *   a new line       what was told last is told again, for it may have been lost on the way; older news are ignored everywhere
 */
export class Coview {
  following = true;
  /** The newest view anybody told, ours included. */
  private newest: Stamped | null = null;
  private seen = 0;
  private mine: { view: SharedView; at: number } | null = null;
  private theirs: { view: Stamped; at: number } | null = null;
  private sentAt = -Infinity;
  private timer: unknown = null;

  constructor(private readonly me: () => string, private readonly deps: CoviewDeps) {}

  get current(): SharedView | null { return this.newest; }
  get leader(): string | null { return this.newest?.by ?? null; }

  /** My own hand moved the picture. */
  move(view: SharedView): void {
    if (!this.following) return;
    this.mine = { view, at: this.deps.now() };
    this.settle();
  }

  /** The room told what somebody else looks at. */
  hear(state: unknown): void {
    if (!isView(state) || !newer(state, this.newest)) return;
    this.newest = state;
    this.seen = Math.max(this.seen, state.n);
    this.theirs = { view: state, at: this.deps.now() };
    this.settle();
  }

  follow(on: boolean): void {
    if (on === this.following) return;
    this.following = on;
    this.mine = null;
    if (on && this.newest) this.deps.show(this.newest, this.newest.by);
    this.theirs = null;
  }

  /** The line is back and the seat taken: what was told last may not have arrived. */
  rejoined(): void {
    if (this.newest && this.newest.by === this.me()) this.deps.send(this.newest);
  }

  stop(): void { this.deps.forget(this.timer); }

  /** Decide what to do now, and wake up again when a hold ends. */
  private settle(): void {
    this.deps.forget(this.timer);
    this.timer = null;
    const now = this.deps.now();
    if (!this.following) return void (this.theirs = null);
    const [mine, theirs] = [this.mine, this.theirs];
    if (mine && theirs && mine.at > theirs.at && now - theirs.at < HOLD_MS) return this.wake(theirs.at + HOLD_MS - now);
    if (mine && theirs && mine.at <= theirs.at && now - mine.at < HOLD_MS) return this.wake(mine.at + HOLD_MS - now);
    if (mine && (!theirs || mine.at > theirs.at)) return this.tell(now, mine.view);
    if (theirs) {
      this.mine = null;
      this.theirs = null;
      this.deps.show(theirs.view, theirs.view.by);
    }
  }

  private tell(now: number, view: SharedView): void {
    const wait = this.sentAt + SEND_EVERY_MS - now;
    if (wait > 0) return this.wake(wait);
    this.newest = { ...view, n: ++this.seen, by: this.me() };
    this.sentAt = now;
    this.theirs = null;
    this.mine = null;
    this.deps.send(this.newest);
  }

  private wake(ms: number): void { this.timer = this.deps.later(() => this.settle(), ms); }
}
