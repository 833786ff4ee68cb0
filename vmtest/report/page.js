// SPDX-License-Identifier: GPL-2.0-only OR MIT
// The page is whole without this: it filters, copies, opens what a link names,
// and keeps ages right.
"use strict";
{
	const form = document.querySelector(".filter");
	if (form) {
		const [search, only] = form.querySelectorAll("input");
		const count = form.querySelector("output");
		const rows = [...document.querySelectorAll(".tests tr[data-group]")];
		const apply = () => {
			const words = search.value.toLowerCase().split(/\s+/).filter(w => w);
			let shown = 0;
			for (const row of rows) {
				const text = (row.dataset.group + "/" + row.textContent).toLowerCase();
				const show = words.every(w => text.includes(w)) && (!only.checked || row.classList.contains("attention"));
				row.hidden = !show;
				shown += show;
			}
			for (const body of document.querySelectorAll(".tests tbody")) {
				body.hidden = !body.querySelector("tr[data-group]:not([hidden])");
			}
			count.value = shown === rows.length ? "" : shown + " of " + rows.length;
		};
		form.hidden = false;
		form.addEventListener("input", apply);
		form.addEventListener("submit", e => e.preventDefault());
	}

	for (const line of document.querySelectorAll(".command")) {
		if (!navigator.clipboard) break;
		const button = document.createElement("button");
		button.textContent = "copy";
		button.addEventListener("click", async () => {
			await navigator.clipboard.writeText(line.querySelector("code").textContent);
			button.textContent = "copied";
			setTimeout(() => { button.textContent = "copy"; }, 1500);
		});
		line.append(button);
	}

	const open = () => {
		let at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
		for (const target = at; at; at = at.parentElement) {
			if (at.localName === "details") at.open = true;
			if (at === document.body) target.scrollIntoView();
		}
	};
	addEventListener("hashchange", open);
	open();

	for (const time of document.querySelectorAll("time")) {
		const minutes = (Date.now() - Date.parse(time.dateTime)) / 60000;
		if (minutes < 0) continue;
		time.textContent = minutes < 1 ? "just now" : minutes < 120 ? Math.floor(minutes) + " min ago" :
			minutes < 2880 ? Math.floor(minutes / 60) + " h ago" : Math.floor(minutes / 1440) + " days ago";
	}
}
