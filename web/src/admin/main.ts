// The administration: a page of its own, served at the administrators' address alone. No SDK, nothing kept.
import { mount } from "svelte";
import Admin from "./Admin.svelte";
import "../app.css";
import { getLocale, overwriteGetLocale } from "../paraglide/runtime";

const locale = getLocale();
overwriteGetLocale(() => locale);
document.documentElement.lang = locale;
document.documentElement.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
mount(Admin, { target: document.getElementById("app") as HTMLElement });
