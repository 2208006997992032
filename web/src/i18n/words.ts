/** A sentence by its key, for models that decide what is said without deciding the language. */
export interface Words { key: string; params?: Record<string, string | number> }

export const words = (key: string, params?: Words["params"]): Words => (params ? { key, params } : { key });
