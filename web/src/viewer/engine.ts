import {
  cache, Enums, eventTarget, getShouldUseCPURendering, imageLoader, imageLoadPoolManager, imageRetrievalPoolManager, init as initCore,
  RenderingEngine, utilities, type Types,
} from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import {
  addTool, annotation, Enums as ToolEnums, init as initTools, LengthTool, PanTool, StackScrollTool, ToolGroupManager, WindowLevelTool, ZoomTool,
} from "@cornerstonejs/tools";
import { spacingOf, type Slice } from "@/imaging/study";
import type { ImageView } from "@/imaging/coview";
import type { DataSet } from "@/wire/dicomweb";
import { prefetchOrder, type Length, type Tool } from "./stackModel";
import { rangeOf, windowOf, type Window } from "./windows";

/** The only file that knows Cornerstone3D: everything else speaks of slices, windows and points of a picture. It is a chunk of its own,
 * loaded when the first image is opened. Runs on WebGL, or on the CPU where there is none. */

export interface EngineDeps {
  /** A picture is on the glass. */
  drawn: () => void;
  /** Another picture, window, zoom or place; `hand` when a finger or mouse did it. */
  changed: (hand: boolean) => void;
  loaded: (count: number) => void;
  failed: (status: number) => void;
  measured: (lengths: Length[]) => void;
}

export interface Camera { zoom: number; center: [number, number] }

const { Events, RequestType, ViewportType } = Enums;
const { Events: ToolEvents, MouseBindings } = ToolEnums;
const TOOLS: Record<Tool, string> = {
  window: WindowLevelTool.toolName, zoom: ZoomTool.toolName, pan: PanTool.toolName, scroll: StackScrollTool.toolName, length: LengthTool.toolName,
};
const MIB = 1 << 20;

let begun: Promise<void> | null = null;
let engines = 0;

/** Once for the page: rendering, decoders, tools. */
function begin(): Promise<void> {
  begun ??= (async () => {
    const memory = (navigator as { deviceMemory?: number }).deviceMemory ?? 4;
    initCore({ rendering: { webGlContextCount: 1 } } as unknown as Parameters<typeof initCore>[0]);
    cache.setMaxCacheSize((memory > 4 ? 1_024 : 400) * MIB);
    initLoader({ maxWebWorkers: Math.max(1, Math.min(3, (navigator.hardwareConcurrency ?? 2) - 1)) });
    initTools();
    // For every picture the library's cache keeps a second promise that nobody can wait for. That a picture was not to be had has been
    // told to whoever asked for it; this one is nobody's. Only the loader uses XMLHttpRequest here.
    addEventListener("unhandledrejection", (event) => { if (event.reason instanceof XMLHttpRequest) event.preventDefault(); });
    for (const one of [LengthTool, PanTool, StackScrollTool, WindowLevelTool, ZoomTool]) addTool(one);
    imageRetrievalPoolManager.setMaxSimultaneousRequests(RequestType.Interaction, 4);
  })();
  return begun;
}

/** Between the line and a call: at most so many requests of leafing ahead. */
export function setPrefetch(parallel: number): void {
  imageRetrievalPoolManager.setMaxSimultaneousRequests(RequestType.Prefetch, parallel);
  imageLoadPoolManager.setMaxSimultaneousRequests(RequestType.Prefetch, parallel);
}

/** Lengths say what they are: mm in the body, mm on the plate, or pixels where nobody knows. */
function lengthOf(data: { cachedStats?: Record<string, { length?: number; unit?: string }> }): Length | null {
  const [target, stats] = Object.entries(data.cachedStats ?? {})[0] ?? [];
  if (!target || stats?.length === undefined || Number.isNaN(stats.length)) return null;
  const set = wadors.metaDataManager.get(target.replace(/^imageId:/, "")) as DataSet | undefined;
  const unit = stats.unit ?? "px";
  const at = set ? ORIGINAL.get(set) ?? spacingOf(set).at : "none";
  const region = /region/i.test(unit);
  return { value: stats.length, unit: at === "none" && !region ? "px" : unit.startsWith("cm") ? "cm" : "mm", plate: at === "detector" };
}
/** Prepared data sets carry the plate's spacing as the body's; what it really was is kept here. */
const ORIGINAL = new WeakMap<DataSet, "patient" | "detector" | "none">();

const said = ({ value, unit, plate }: Length): string => `${value.toFixed(unit === "px" ? 0 : 1)} ${unit}${plate ? " *" : ""}`;

export class Engine {
  private readonly rendering: RenderingEngine;
  private readonly viewport: Types.IStackViewport;
  private readonly group;
  private readonly ids = new Set<string>();
  private slices: readonly Slice[] = [];
  private imageIds: string[] = [];
  private fit = 1;
  private hand = false;
  private quiet = 0;
  private run = 0;
  private readonly off: (() => void)[] = [];

  private constructor(private readonly box: HTMLDivElement, private readonly deps: EngineDeps) {
    const id = `yz-${++engines}`;
    this.rendering = new RenderingEngine(id);
    this.rendering.enableElement({ viewportId: id, type: ViewportType.STACK, element: box, defaultOptions: { background: [0, 0, 0] } });
    this.viewport = this.rendering.getViewport(id) as Types.IStackViewport;
    const group = ToolGroupManager.createToolGroup(id);
    if (!group) throw new Error("no tool group");
    this.group = group;
    group.addViewport(id, id);
    for (const name of Object.values(TOOLS)) group.addTool(name, name === LengthTool.toolName ? { getTextLines: this.words } : {});
    this.choose("window");
    this.listen();
  }

  static async open(box: HTMLDivElement, deps: EngineDeps): Promise<Engine> {
    await begin();
    return new Engine(box, deps);
  }

  get kind(): "cpu" | "gpu" { return getShouldUseCPURendering() ? "cpu" : "gpu"; }

  private readonly words = (data: Parameters<typeof lengthOf>[0]): string[] => {
    const length = lengthOf(data);
    return length ? [said(length)] : [];
  };

  private listen(): void {
    const on = (target: EventTarget, name: string, run: (event: Event) => void, options?: AddEventListenerOptions) => {
      target.addEventListener(name, run, options);
      this.off.push(() => target.removeEventListener(name, run, options));
    };
    on(this.box, "pointerdown", () => { this.hand = true; }, { capture: true });
    for (const name of ["pointerup", "pointercancel"]) on(window, name, () => { this.hand = false; }, { capture: true });
    on(this.box, Events.IMAGE_RENDERED, () => { if (this.viewport.getCornerstoneImage()) this.deps.drawn(); });
    on(this.box, Events.STACK_VIEWPORT_SCROLL, () => { if (this.quiet === 0) this.deps.changed(true); });
    for (const name of [Events.STACK_NEW_IMAGE, Events.VOI_MODIFIED, Events.CAMERA_MODIFIED])
      on(this.box, name, () => this.deps.changed(this.hand && this.quiet === 0));
    on(eventTarget, Events.IMAGE_LOADED, (event) => this.arrived((event as CustomEvent<{ image: { imageId: string } }>).detail.image.imageId));
    for (const name of [ToolEvents.ANNOTATION_COMPLETED, ToolEvents.ANNOTATION_MODIFIED, ToolEvents.ANNOTATION_REMOVED])
      on(eventTarget, name, () => this.deps.measured(this.lengths()));
    const watch = new ResizeObserver(() => this.resized());
    watch.observe(this.box);
    this.off.push(() => watch.disconnect());
  }

  private arrived(imageId: string): void {
    if (this.ids.has(imageId) || !this.imageIds.includes(imageId)) return;
    this.ids.add(imageId);
    this.deps.loaded(this.ids.size);
  }

  /** The glass has another size: what was in the middle stays there, and a picture that fitted still fits. */
  private resized(): void {
    if (this.slices.length === 0 || this.box.clientWidth === 0) return;
    const camera = this.camera();
    this.silently(() => {
      this.rendering.resize(true, false);
      this.viewport.resetCamera();
      this.fit = this.viewport.getCamera().parallelScale ?? 1;
      this.aim(camera);
    });
    this.deps.changed(false);
  }

  private silently(run: () => void): void {
    this.quiet++;
    try { run(); } finally { this.quiet--; }
  }

  /** Show a stack at one of its pictures, as the modality wanted it to be seen. */
  async show(slices: readonly Slice[], sets: readonly DataSet[], at: number, window: Window | null): Promise<void> {
    const run = ++this.run;
    this.slices = slices;
    this.imageIds = slices.map((slice) => `wadors:${slice.url}`);
    this.ids.clear();
    slices.forEach((slice, i) => {
      const set = sets[i] ?? slice.set;
      ORIGINAL.set(set, spacingOf(slice.set).at);
      wadors.metaDataManager.add(this.imageIds[i] ?? "", set as Parameters<typeof wadors.metaDataManager.add>[1]);
    });
    for (const id of this.imageIds) if (cache.getImageLoadObject(id) && cache.getImage(id)) this.ids.add(id);
    this.deps.loaded(this.ids.size);
    try {
      await this.viewport.setStack(this.imageIds, at);
    } catch (error) {
      if (run === this.run) this.deps.failed(statusOf(error));
      return;
    }
    if (run !== this.run) return;
    this.silently(() => {
      if (window) this.viewport.setProperties({ voiRange: rangeOf(window) });
      this.viewport.resetCamera();
      this.fit = this.viewport.getCamera().parallelScale ?? 1;
      this.viewport.render();
    });
    this.deps.changed(false);
    void this.ahead(run);
  }

  /** Fetch the rest of the stack, nearest first, a few at a time; stops when another stack is shown. */
  private async ahead(run: number): Promise<void> {
    const order = prefetchOrder(this.imageIds.length, this.index());
    const next = async (): Promise<void> => {
      for (let i = order.shift(); i !== undefined; i = order.shift()) {
        const id = this.imageIds[i];
        if (run !== this.run || id === undefined) return;
        if (this.ids.has(id)) continue;
        const options = { ...this.viewport.getLoaderImageOptions(id), requestType: RequestType.Prefetch, priority: 10 };
        await imageLoader.loadAndCacheImage(id, options).then(() => this.arrived(id), () => undefined);
      }
    };
    await Promise.all([next(), next(), next(), next()]);
  }

  /** What was not to be had before is asked for again. */
  retry(): void { void this.ahead(this.run); }

  index(): number { return this.viewport.getTargetImageIdIndex(); }
  /** Whether the wanted picture is the one on the glass. */
  settled(): boolean { return this.viewport.getCurrentImageIdIndex() === this.index(); }

  goTo(index: number): void {
    const run = this.run;
    this.viewport.setImageIdIndex(index).catch((error: unknown) => { if (run === this.run && index === this.index()) this.deps.failed(statusOf(error)); });
  }

  window(): Window | null {
    const range = this.viewport.getProperties().voiRange;
    return range ? windowOf(range) : null;
  }
  setWindow(window: Window): void {
    this.silently(() => { this.viewport.setProperties({ voiRange: rangeOf(window) }); this.viewport.render(); });
    this.deps.changed(false);
  }
  inverted(): boolean { return this.viewport.getProperties().invert ?? false; }
  invert(on: boolean): void {
    this.silently(() => { this.viewport.setProperties({ invert: on }); this.viewport.render(); });
    this.deps.changed(false);
  }

  /** As at the beginning: the modality's window, the whole picture, nothing inverted. */
  reset(window: Window | null): void {
    this.silently(() => {
      this.viewport.resetProperties();
      if (window) this.viewport.setProperties({ voiRange: rangeOf(window) });
      this.viewport.resetCamera();
      this.fit = this.viewport.getCamera().parallelScale ?? 1;
      this.viewport.render();
    });
    this.deps.changed(false);
  }

  private size(): [number, number] {
    const image = this.viewport.getCornerstoneImage();
    return [image?.columns ?? 1, image?.rows ?? 1];
  }
  private imageId(): string { return this.viewport.getCurrentImageId() ?? this.imageIds[0] ?? ""; }

  camera(): Camera {
    const { parallelScale = 1, focalPoint } = this.viewport.getCamera();
    return { zoom: this.fit / parallelScale, center: focalPoint ? this.toPicture(focalPoint) : [0.5, 0.5] };
  }

  private toPicture(world: Types.Point3): [number, number] {
    const at = utilities.worldToImageCoords(this.imageId(), world);
    const [width, height] = this.size();
    return at ? [(at[0] + 0.5) / width, (at[1] + 0.5) / height] : [0.5, 0.5];
  }
  private toWorld([u, v]: [number, number]): Types.Point3 | null {
    const [width, height] = this.size();
    return utilities.imageToWorldCoords(this.imageId(), [u * width - 0.5, v * height - 0.5]) ?? null;
  }

  private aim({ zoom, center }: Camera): void {
    const now = this.viewport.getCamera();
    const focalPoint = this.toWorld(center);
    if (!focalPoint || !now.focalPoint || !now.position) return;
    const position = now.position.map((value, i) => value + (focalPoint[i] ?? 0) - (now.focalPoint?.[i] ?? 0)) as Types.Point3;
    this.viewport.setCamera({ parallelScale: this.fit / Math.max(0.05, zoom) });
    this.viewport.setCamera({ focalPoint, position });
    this.viewport.render();
  }
  setCamera(camera: Camera): void {
    this.silently(() => this.aim(camera));
    this.deps.changed(false);
  }

  /** As somebody else sees it. */
  apply(view: ImageView): void {
    this.silently(() => {
      if (view.window && !this.viewport.getCornerstoneImage()?.color) this.viewport.setProperties({ voiRange: rangeOf(view.window), invert: view.invert });
      this.aim(view);
    });
    this.deps.changed(false);
  }

  /** Point of the picture under a point of the glass (CSS pixels from its corner), and back. */
  under(x: number, y: number): [number, number] { return this.toPicture(this.viewport.canvasToWorld([x, y])); }
  over(point: [number, number]): [number, number] | null {
    const world = this.toWorld(point);
    return world ? (this.viewport.worldToCanvas(world) as [number, number]) : null;
  }

  choose(tool: Tool): void {
    for (const name of Object.values(TOOLS)) this.group.setToolPassive(name, { removeAllBindings: true });
    for (const [one, name] of Object.entries(TOOLS)) {
      const bindings = [];
      if (one === tool) bindings.push({ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 });
      if (one === "pan") bindings.push({ mouseButton: MouseBindings.Auxiliary });
      if (one === "zoom") bindings.push({ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 });
      if (bindings.length > 0) this.group.setToolActive(name, { bindings });
    }
  }

  lengths(): Length[] {
    const all = annotation.state.getAnnotations(LengthTool.toolName, this.box) ?? [];
    return all.map((one) => lengthOf(one.data as Parameters<typeof lengthOf>[0])).filter((one) => one !== null);
  }
  clearLengths(): void {
    for (const one of annotation.state.getAnnotations(LengthTool.toolName, this.box) ?? [])
      if (one.annotationUID) annotation.state.removeAnnotation(one.annotationUID);
    this.viewport.render();
    this.deps.measured(this.lengths());
  }

  /** The modality's own value at a point (Hounsfield units for CT); null outside and for colours. */
  modalityValue(u: number, v: number): number | null {
    const image = this.viewport.getCornerstoneImage();
    if (!image || image.color) return null;
    const [x, y] = [Math.floor(u * image.columns), Math.floor(v * image.rows)];
    if (x < 0 || y < 0 || x >= image.columns || y >= image.rows) return null;
    const raw = image.getPixelData()[y * image.columns + x];
    if (raw === undefined) return null;
    return image.preScale?.scaled ? raw : raw * image.slope + image.intercept;
  }

  close(): void {
    this.run++;
    for (const stop of this.off) stop();
    ToolGroupManager.destroyToolGroup(this.rendering.id);
    this.rendering.destroy();
  }
}

/** HTTP's number; 0 when nothing came, 422 when what came could not be decoded. */
function statusOf(error: unknown): number {
  const inner = (error as { error?: unknown } | null)?.error ?? error;
  if (inner instanceof Error) return 422;
  const one = inner as { status?: number; request?: { status?: number } } | null;
  return one?.status ?? one?.request?.status ?? 0;
}
