extension PictureReport {
    /// Opens pictures and moves between them. Without it a page still reads, and its pictures are links to their files.
    static let script = """
        (() => {
          'use strict';
          const dialog = document.querySelector('dialog');
          const stage = dialog.querySelector('img');
          const caption = dialog.querySelector('figcaption');
          const place = dialog.querySelector('.place');
          const file = dialog.querySelector('a');
          const shots = [...document.querySelectorAll('.shot')];
          let at = 0;

          const show = (index) => {
            at = (index + shots.length) % shots.length;
            const shot = shots[at];
            const small = shot.querySelector('img');
            const source = shot.getAttribute('href');
            stage.className = source ? '' : 'small';
            stage.alt = small ? small.alt : '';
            if (small) stage.src = small.src; else stage.removeAttribute('src');
            const said = shot.parentNode.querySelector('figcaption').childNodes;
            caption.replaceChildren(...[...said].map((node) => node.cloneNode(true)));
            place.textContent = `${at + 1} of ${shots.length}`;
            file.hidden = !source;
            if (source) {
              const wanted = at;
              const whole = new Image();
              whole.onload = () => { if (at === wanted) stage.src = whole.src; };
              whole.onerror = () => { if (at === wanted) stage.className = 'small'; };
              whole.src = file.href = source;
            }
            if (!dialog.open) dialog.showModal();
          };

          const beside = (shot, key) => {
            const here = shots.indexOf(shot);
            if (key === 'ArrowRight') return shots[here + 1];
            if (key === 'ArrowLeft') return shots[here - 1];
            if (key === 'Home') return shots[0];
            if (key === 'End') return shots[shots.length - 1];
            const step = { ArrowDown: 1, ArrowUp: -1 }[key];
            if (!step) return undefined;
            const box = (shot) => shot.parentNode.parentNode.getBoundingClientRect();
            const { top, left } = box(shot);
            let row, best, least = Infinity;
            for (let index = here + step; shots[index]; index += step) {
              const other = box(shots[index]);
              if (Math.abs(other.top - top) < 2) continue;
              if (row !== undefined && Math.abs(other.top - row) > 2) break;
              row = other.top;
              if (Math.abs(other.left - left) < least) {
                best = shots[index];
                least = Math.abs(other.left - left);
              }
            }
            return best;
          };

          const lose = (image) => {
            const note = document.createElement('span');
            note.className = 'missing';
            note.textContent = 'can’t be shown';
            image.replaceWith(note);
          };
          document.addEventListener('error', (event) => {
            if (event.target.closest?.('.shot')) lose(event.target);
          }, true);
          for (const image of document.querySelectorAll('.shot img')) {
            if (image.complete && !image.naturalWidth) lose(image);
          }

          document.addEventListener('click', (event) => {
            const shot = event.target.closest('.shot');
            if (!shot || event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            show(shots.indexOf(shot));
          });
          document.addEventListener('keydown', (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            if (dialog.open) {
              const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
              if (!step) return;
              event.preventDefault();
              show(at + step);
              return;
            }
            const other = document.activeElement?.matches('.shot') && beside(document.activeElement, event.key);
            if (!other) return;
            event.preventDefault();
            other.focus();
          });
          dialog.querySelector('.previous').addEventListener('click', () => show(at - 1));
          dialog.querySelector('.next').addEventListener('click', () => show(at + 1));
          dialog.querySelector('.close').addEventListener('click', () => dialog.close());
          dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
          dialog.addEventListener('close', () => {
            stage.removeAttribute('src');
            shots[at].focus();
          });
        })();
        """
}
