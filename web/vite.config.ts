// How the web client is built: into bongsu/web, hashed names, nothing inline (the server's CSP forbids it).
import { paraglideVitePlugin } from "@inlang/paraglide-js";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: "./project.inlang",
      outdir: "./src/paraglide",
      strategy: ["localStorage", "preferredLanguage", "baseLocale"],
    }),
    svelte(),
  ],
  worker: { format: "es" },
  build: {
    outDir: "../bongsu/web",
    emptyOutDir: true,
    target: "es2024",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
    rollupOptions: {
      input: { index: "index.html", admin: "admin.html", sw: "worker/sw.ts" },
      // The worker's address must stay the same from build to build.
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/_matrix": "http://localhost:8008", "/_bongsu": "http://localhost:8008" } },
});
