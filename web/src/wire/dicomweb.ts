import { Problem, problemFrom } from "./problem";

/** One element of DICOM JSON (PS3.18 annex F). Bytes stand in InlineBinary (base64) or behind BulkDataURI. */
export interface DicomElement { vr: string; Value?: unknown[]; InlineBinary?: string; BulkDataURI?: string }
/** Tag as eight hexadecimal digits → element. */
export type DataSet = Record<string, DicomElement>;

export interface DicomWebDeps {
  fetch: typeof fetch;
  wait: (ms: number) => Promise<void>;
  onUnauthenticated: () => void;
}

export const DICOMWEB = "/dicomweb";
/** Metadata of a thousand slices over a thin line takes its time; a silent server does not get more. */
const TIMEOUT_MS = 30_000;
const AGAIN_MS = [400, 1_200];

export const seriesPath = (study: string, series: string): string => `${DICOMWEB}/studies/${study}/series/${series}`;
export const instancePath = (study: string, series: string, instance: string): string => `${seriesPath(study, series)}/instances/${instance}`;

/** Reads what the archive holds: everything here is a GET, so a lost answer is simply asked for again. */
export class DicomWeb {
  constructor(private readonly deps: DicomWebDeps) {}

  series(study: string, signal?: AbortSignal): Promise<DataSet[]> {
    return this.list(`${DICOMWEB}/studies/${study}/series`, signal);
  }
  metadata(study: string, series: string, signal?: AbortSignal): Promise<DataSet[]> {
    return this.list(`${seriesPath(study, series)}/metadata`, signal);
  }
  async waveform(study: string, series: string, instance: string, signal?: AbortSignal): Promise<unknown> {
    return (await this.get(`${instancePath(study, series, instance)}/waveform`, "application/json", signal)).json();
  }
  /** Bytes a data set only points to, such as a long palette. */
  async bulk(uri: string, signal?: AbortSignal): Promise<ArrayBuffer> {
    return (await this.get(uri, "application/octet-stream", signal)).arrayBuffer();
  }

  private async list(url: string, signal?: AbortSignal): Promise<DataSet[]> {
    const response = await this.get(url, "application/dicom+json", signal);
    return response.status === 204 ? [] : ((await response.json()) as DataSet[]);
  }

  private async get(url: string, accept: string, signal?: AbortSignal): Promise<Response> {
    for (let turn = 0; ; turn++) {
      try {
        return await this.once(url, accept, signal);
      } catch (error) {
        const wait = AGAIN_MS[turn];
        if (!(error instanceof Problem) || !error.passing || wait === undefined || signal?.aborted) throw error;
        await this.deps.wait(wait);
      }
    }
  }

  private async once(url: string, accept: string, signal?: AbortSignal): Promise<Response> {
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort(), TIMEOUT_MS);
    const stop = () => clock.abort();
    signal?.addEventListener("abort", stop);
    let response: Response;
    try {
      response = await this.deps.fetch(url, { headers: { Accept: accept }, credentials: "same-origin", signal: clock.signal });
    } catch {
      throw new Problem("offline");
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
    if (response.ok) return response;
    if (response.status === 401) this.deps.onUnauthenticated();
    throw problemFrom(response.status, await response.json().catch(() => undefined), response.headers.get("x-request-id") ?? "");
  }
}
