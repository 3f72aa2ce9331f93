// The entry: the shell alone. The SDK is fetched while a newcomer reads the first screen.
import { mount } from "svelte";
import App from "./App.svelte";
import "./app.css";
import { getLocale } from "./paraglide/runtime";
import { app } from "./state/app.svelte";

document.documentElement.lang = getLocale();
app.begin();
mount(App, { target: document.getElementById("app") as HTMLElement });
