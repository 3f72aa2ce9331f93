// Svelte: runes everywhere, TypeScript as it is.
/** @type {import('@sveltejs/vite-plugin-svelte').SvelteConfig} */
export default { compilerOptions: { runes: true } };
