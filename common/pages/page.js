// What script adds to pages that work without it: buttons that copy, times in the reader's own zone, live status.
"use strict";

// <button data-copy="ID" data-copied="Copied" hidden>: copies the text of an element and says so.
function wireCopy(button) {
	const label = button.textContent;
	button.hidden = false;
	button.addEventListener("click", async () => {
		const source = document.getElementById(button.dataset.copy);
		try {
			await navigator.clipboard.writeText(source.textContent.trim());
			button.textContent = button.dataset.copied;
		} catch {
			const range = document.createRange();
			range.selectNodeContents(source);
			getSelection().removeAllRanges();
			getSelection().addRange(range);
		}
		setTimeout(() => { button.textContent = label; }, 2000);
	});
}

// <time datetime="…Z">: shown as the reader's own time.
function localTime(element) {
	const time = new Date(element.getAttribute("datetime"));
	if (!Number.isNaN(time.getTime())) {
		element.textContent = time.toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
	}
}

// <div data-live="URL" data-name="jira/7">: its parts with data-when="received" or "waiting" are shown as the answer says.
function wireLive(block) {
	const show = (connection) => {
		const state = connection && connection.signed_at ? "received" : "waiting";
		for (const part of block.querySelectorAll("[data-when]")) {
			part.hidden = part.dataset.when !== state;
		}
		for (const time of block.querySelectorAll("time[data-signed]")) {
			time.setAttribute("datetime", connection.signed_at || "");
			localTime(time);
		}
		return state;
	};
	const ask = async () => {
		if (document.hidden) {
			return setTimeout(ask, 2000);
		}
		let state = "waiting";
		try {
			const answer = await fetch(block.dataset.live, { headers: { Accept: "application/json" } });
			if (answer.status === 401 || answer.status === 403) {
				return undefined;
			}
			const { connections } = await answer.json();
			state = show(connections.find((each) => each.name === block.dataset.name));
		} catch {
			// The next answer counts.
		}
		return state === "received" ? undefined : setTimeout(ask, 2000);
	};
	ask();
}

document.querySelectorAll("button[data-copy]").forEach(wireCopy);
document.querySelectorAll("time[datetime]").forEach(localTime);
document.querySelectorAll("[data-live]").forEach(wireLive);
// One click is one request.
document.querySelectorAll("form[method=post]").forEach((form) => {
	form.addEventListener("submit", () => {
		setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
	});
});
addEventListener("pageshow", (event) => {
	if (event.persisted) {
		document.querySelectorAll("form[method=post] button").forEach((button) => { button.disabled = false; });
	}
});
