// The episode in 3-D, at the step that is shown, with its draws.
const SIZE = {1: [320, 240], 2: [480, 360], 3: [720, 540]};

class Pane {
  constructor() {
    this.twin = null;
    this.poses = null;
    this.look = '';
  }

  async begin() {
    const {shown, why} = await askJson('/api/scenes');
    document.body.dataset.scenes = shown ? 'yes' : why;
    if (!shown) return;
    $('twin_box').hidden = false;
    this.twin = new Twin($('twin'));
    $('twin_view').onclick = () => this.twin.lookFrom(this.twin.firstCamera());
    $('zoom_box').hidden = false;
    $('zoom').addEventListener('change', () => this.resize());
    this.resize();
    this.twin.renderer.setAnimationLoop(() => this.twin.draw());
    if (S.current >= 0) await this.show(S.current);
  }

  resize() {
    const [width, height] = SIZE[$('zoom').value];
    $('twin').style.width = `${width}px`;
    $('twin').style.height = `${height}px`;
    this.twin.resize(width, height);
  }

  async show(episode) {
    if (!this.twin) return;
    this.poses = null;
    // episodes that are all nominal look alike
    const look = S.data.episodes[episode].variant_index === 0 ? 'nominal' : String(episode);
    try {
      const [scene, poses] = await Promise.all([
        look === this.look ? null : askBytes(`/api/episode/${episode}/scene`), askBytes(`/api/episode/${episode}/poses`)]);
      if (episode !== S.current) return;
      if (scene) this.twin.setScene(readScene(scene));
      this.look = look;
      this.poses = new Float32Array(poses);
      $('twin_box').hidden = false;
      this.goTo(S.step);
    } catch (error) {
      $('twin_box').hidden = true;
      toast(`3-D: ${error.message}`);
    }
    $('twin').dataset.episode = episode;
  }

  goTo(step) {
    if (!this.poses || !this.twin.world) return;
    this.twin.setPoses(this.poses, 7 * this.twin.bodies.length * step);
    $('twin').dataset.step = step;
  }
}

window.pane = new Pane();
pane.begin().catch(error => toast(`3-D: ${error.message}`));
