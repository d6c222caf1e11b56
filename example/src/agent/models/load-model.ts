/** Loads the file of one API, so that the app starts with one SDK and not with all of them. */

import type { Model, ModelAccess, ModelApi } from './model.ts'

const files = {
  anthropic: () => import('./anthropic.ts'),
  openai: () => import('./openai.ts'),
  responses: () => import('./responses.ts'),
  gemini: () => import('./gemini.ts'),
} as const satisfies Record<ModelApi, unknown>

export async function loadModel(api: ModelApi, access: ModelAccess): Promise<Model> {
  const { createModel } = await files[api]()
  return createModel(access)
}
